"""A search for sizes and settings: what is varied, how often, and how it is judged."""

from __future__ import annotations

import itertools
import json
import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from bioseq_dl.config.base import Section

TRIALS = 20
"""Trials where the config names no number."""
_MOST_POINTS = 10_000
_MOST_STEPS = 2**53
"""Beyond it real numbers cannot tell one step from the next."""
_LARGEST = 2**63 - 1
"""Whole number that samplers can hold."""
_EXPONENT = re.compile(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+")


def _read_exponents(values: Any) -> Any:
    """Take ``1e-4`` for the number it is: YAML 1.1 reads it as text, as it lacks a point."""
    if not isinstance(values, list | tuple):
        return values
    return [
        float(value) if isinstance(value, str) and _EXPONENT.fullmatch(value) else value
        for value in values
    ]


def _check_plain(value: Any) -> None:
    """Refuse what JSON could not give back: studies and best.json store choices as JSON."""
    if isinstance(value, list | tuple):
        for item in value:
            _check_plain(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise ValueError(f"keys within choices must be text; found {key!r}")
            _check_plain(item)
    elif value is not None and not isinstance(value, str | bool | int | float):
        raise ValueError(
            f"choices must be text, numbers, true, false, null, lists or sections; found {value}"
        )


class Dimension(Section):
    """What one key may be: a range of numbers, or one of some choices."""

    low: int | float | None = None
    """Least value of a range. Where ``low``, ``high`` and ``step`` are whole numbers, so are the
    values; write 1.0 for real ones."""
    high: int | float | None = None
    """Largest value of the range; it may be drawn too."""
    log: bool = False
    """Draw the logarithm evenly: for learning rates and sizes."""
    step: int | float | None = Field(default=None, gt=0)
    """Distance between values that are drawn; without it every number, or every whole one."""
    choices: Annotated[tuple[Any, ...], BeforeValidator(_read_exponents)] = ()
    """Instead of a range: values, whole sections (``null`` included), or lists."""

    @model_validator(mode="after")
    def _range_or_choices(self) -> Dimension:
        given = self.low is not None, self.high is not None
        if self.choices and (any(given) or self.log or self.step is not None):
            raise ValueError("choices stand alone: leave out low, high, log and step")
        for value in self.choices:
            _check_plain(value)
        if self.choices:
            if len({json.dumps(value, sort_keys=True) for value in self.choices}) < 2:
                raise ValueError("choices must be two or more different values")
            if len(self.labels) != len(self.choices):
                raise ValueError("choices names a value twice")
        elif not all(given):
            raise ValueError("give low and high, or choices")
        else:
            self._check_range()
        return self

    def _check_range(self) -> None:
        low, high = self.bounds
        for number in (low, high, self.step):
            if isinstance(number, int) and abs(number) > _LARGEST:
                raise ValueError(f"whole numbers must be from -{_LARGEST} to {_LARGEST}")
        if not low < high:
            raise ValueError(f"low must be below high; found {low} and {high}")
        if math.isinf(high - low):
            raise ValueError(f"the range is too wide; found {low} to {high}")
        if self.log and low <= 0:
            raise ValueError(f"log needs low above 0; found {low}")
        if self.step is None:
            return
        if self.log:
            raise ValueError("log and step exclude each other")
        steps = _divide(low, high, self.step)
        if steps.denominator > 1:
            raise ValueError(f"high must be low plus a multiple of step; found {low}, {high}")
        if steps > _MOST_STEPS:
            raise ValueError(f"step is too small for the range; found {self.step}")

    @property
    def bounds(self) -> tuple[int | float, int | float]:
        """Least and largest value of a range."""
        assert self.low is not None
        assert self.high is not None
        return self.low, self.high

    @property
    def whole(self) -> bool:
        """Whether a range is of whole numbers."""
        given = (self.low, self.high, 1 if self.step is None else self.step)
        return all(isinstance(value, int) for value in given)

    @property
    def labels(self) -> dict[str, Any]:
        """Each choice by its JSON text, which is what a study stores."""
        return {json.dumps(value, sort_keys=True): value for value in self.choices}

    @property
    def distance(self) -> int | float | None:
        """Distance between neighbours of a range; None where any number may be drawn."""
        return 1 if self.step is None and self.whole else self.step

    def count_values(self) -> int | None:
        """Count the values, for a grid; None where there are infinitely many."""
        if self.choices:
            return len(self.choices)
        if self.distance is None or self.log:
            return None
        return int(_divide(*self.bounds, self.distance)) + 1

    def list_values(self) -> list[Any] | None:
        """Give all values, for a grid; None where there are infinitely many."""
        count = self.count_values()
        if self.choices or count is None:
            return list(self.choices) or None
        low, distance = Fraction(str(self.low)), Fraction(str(self.distance))
        kind = int if self.whole else float
        return [kind(low + place * distance) for place in range(count)]

    def holds(self, value: Any) -> bool:
        """Tell whether a value, as a search stored it, is one of the dimension's."""
        if self.choices:
            return json.dumps(value, sort_keys=True) in self.labels
        if isinstance(value, bool) or not isinstance(value, int if self.whole else int | float):
            return False
        low, high = self.bounds
        # Samplers reach an end through a logarithm, or by steps.
        slack = 0 if self.whole else 1e-9 * max(abs(low), abs(high))
        if not low - slack <= value <= high + slack:
            return False
        if self.distance is None:
            return True
        steps = (value - low) / self.distance
        return abs(steps - round(steps)) < 1e-6 + slack / self.distance

    def tell_values(self) -> Iterator[tuple[str, Any]]:
        """Give the values that must fit the model, each with its name: ends, a middle, choices."""
        if self.choices:
            yield from (("choice", value) for value in self.choices)
            return
        low, high = self.bounds
        yield "low", low
        yield "high", high
        if not self.whole:  # a whole number where the key needs one, but not between
            step = self.step or (high - low) * (math.sqrt(5) - 1) / 2
            yield "a value", low + step


def _divide(low: int | float, high: int | float, step: int | float) -> Fraction:
    """Give the steps between two numbers, exactly as they are written."""
    return (Fraction(str(high)) - Fraction(str(low))) / Fraction(str(step))


class Tune(Section):
    """A search for the best of many configurations, judged on validation records alone.

    Each trial trains a network; the best one's values are those of the run's models. With several
    folds there is a search for each, which sees nothing of that fold's test records.
    """

    space: dict[str, Dimension] = Field(min_length=1)
    """Key below ``model`` or ``train`` (``model.conv.0.channels``, ``train.learning_rate``): what
    it may be. With a preset, the keys are the sizes that it gives."""
    trials: int | None = Field(default=None, ge=1)
    """Trials that end: finished, pruned or failed; default 20, and all points of a grid."""
    workers: int = Field(default=1, ge=1)
    """Jobs that train trials side by side."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Of the draws, and of every trial's training."""
    sampler: Literal["tpe", "random", "grid"] = "tpe"
    """``tpe`` (Bergstra et al. 2011) draws where earlier trials did well; ``random`` anywhere;
    ``grid`` takes every combination of choices and steps."""
    random_trials: int = Field(default=10, ge=1)
    """Of ``tpe``: trials that end before it learns from them; till then it draws at random."""
    pruner: Literal["median", "none"] = "median"
    """``median`` ends a trial whose best epoch so far is worse than the median of the finished
    trials at that epoch; ``none`` trains each to its end."""
    startup_trials: int = Field(default=5, ge=1)
    """Trials that finish before ``median`` prunes any."""
    warmup_epochs: int = Field(default=2, ge=1)
    """Epochs that ``median`` grants every trial."""
    epochs: int | None = Field(default=None, ge=1)
    """Of a trial; default those of train. The chosen configuration trains for those of train."""

    @model_validator(mode="after")
    def _trials_fit(self) -> Tune:
        if self.sampler == "grid":
            self._check_grid()
        if self.workers > self.total:
            raise ValueError(f"workers must be at most the {self.total} trials")
        return self

    def _check_grid(self) -> None:
        for key, dimension in self.space.items():
            if dimension.count_values() is None:
                raise ValueError(f"space.{key}: a grid needs choices, whole numbers, or step")
        count = self._count_points()
        if count > _MOST_POINTS:
            raise ValueError(f"the grid has {count:,} points; allowed: up to {_MOST_POINTS:,}")
        if self.trials not in (None, count):
            raise ValueError(f"the grid has {count} points: leave out trials")

    def _count_points(self) -> int:
        return math.prod(dimension.count_values() or 0 for dimension in self.space.values())

    def _axes(self) -> list[list[Any]]:
        return [dimension.list_values() or [] for dimension in self.space.values()]

    @property
    def total(self) -> int:
        """Trials that end."""
        if self.sampler == "grid":
            return self._count_points()
        return TRIALS if self.trials is None else self.trials

    def find_point(self, number: int) -> dict[str, Any]:
        """Give the combination of a grid that a trial takes; the last key changes fastest."""
        point = next(itertools.islice(itertools.product(*self._axes()), number, None))
        return dict(zip(self.space, point, strict=True))
