"""What stands in a file as a label, as a number."""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "."})
"""Raw values, in lower case, that mean: not measured."""
_BINARY = {"0": 0.0, "1": 1.0, "0.0": 0.0, "1.0": 1.0, "false": 0.0, "true": 1.0}
_FOLDS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}
_LARGEST = float(np.finfo(np.float32).max)


class Place(NamedTuple):
    """Where a raw value stands, as an error names it."""

    file: str
    record: str | None
    position: str


class _LabelError(ValueError):
    """A raw value that is not understood: what is allowed, and what may have been meant."""

    def __init__(self, problem: str, allowed: str, fix: str | None = None) -> None:
        super().__init__(problem)
        self.allowed = allowed
        self.fix = fix

    def at(self, place: Place, found: object) -> InputError:
        """Give the error for the user."""
        return InputError(
            str(self), **place._asdict(), found=found, allowed=self.allowed, fix=self.fix
        )


def parse_labels(
    values: Sequence[str | float],
    targets: Targets,
    locate: Callable[[int], Place],
) -> NDArray[np.float32]:
    """Turn raw labels into numbers.

    Parameters
    ----------
    values : sequence of str or float (n,)
        As they stand in the file.
    targets : Targets
        Kind and classes.
    locate : callable
        Index of a value to its place.

    Returns
    -------
    ndarray of float32 (n,)
        Binary 0 or 1, multiclass the class's code, regression the value; NaN where missing.

    Raises
    ------
    InputError
        At the first value that is not understood, with the allowed ones and the nearest.
    """
    parse = cache(_make_parser(targets))  # files repeat few labels often
    out = np.empty(len(values), np.float32)
    for index, value in enumerate(values):
        try:
            out[index] = parse(value)
        except _LabelError as error:
            raise error.at(locate(index), value) from None
    return out


def parse_folds(values: Sequence[str], locate: Callable[[int], Place]) -> list[str | None]:
    """Give the official folds that raw values mean: train, val, test; None where empty.

    Parameters
    ----------
    values : sequence of str (n,)
        As they stand in the file; ``dev`` and ``validation`` are val.
    locate : callable
        Index of a value to its place.

    Raises
    ------
    InputError
        At the first value that is none.
    """
    folds: list[str | None] = []
    for index, value in enumerate(values):
        try:
            folds.append(_parse_fold(value))
        except _LabelError as error:
            raise error.at(locate(index), value) from None
    return folds


def _make_parser(targets: Targets) -> Callable[[str | float], float]:
    if targets.kind == "regression":
        return _parse_number
    codes = {name: float(code) for code, name in enumerate(targets.classes)}
    known = codes if targets.kind == "multiclass" else _BINARY | codes
    allowed = ", ".join(targets.classes or ("0", "1", "true", "false")) + ", or empty"

    def parse(value: str | float) -> float:
        text = _to_text(value)
        if text in known:
            return known[text]
        if text.lower() in MISSING:
            return math.nan
        if targets.kind == "binary" and text.lower() in _BINARY:
            return _BINARY[text.lower()]
        if (whole := text.removesuffix(".0")).isdecimal() and whole in known:
            return known[whole]  # a column of codes with gaps is often written as 1.0
        close = difflib.get_close_matches(text, targets.classes or _BINARY, n=1, cutoff=0.6)
        fix = f"did you mean {close[0]}?" if close else None
        raise _LabelError("label not understood", allowed, fix)

    return parse


def _parse_number(value: str | float) -> float:
    text = _to_text(value)
    if text.lower() in MISSING:
        return math.nan
    try:
        number = float(text)
    except ValueError:
        fix = "write a point for the decimal comma" if "," in text else None
        raise _LabelError("label is not a number", "numbers, or empty", fix) from None
    if not abs(number) <= _LARGEST:
        raise _LabelError("label is not a finite number", "-3.4e38 to 3.4e38, or empty")
    return number


def _to_text(value: str | float) -> str:
    """Write a number of the config or of a typed table as a text file would."""
    if isinstance(value, str):
        return value.strip()
    return str(int(value)) if float(value).is_integer() else repr(float(value))


@cache
def _parse_fold(value: str) -> str | None:
    text = value.strip().lower()
    if text in MISSING:
        return None
    if text not in _FOLDS:
        close = difflib.get_close_matches(text, _FOLDS, n=1, cutoff=0.5)
        fix = f"did you mean {_FOLDS[close[0]]}?" if close else None
        raise _LabelError("official fold not understood", "train, val, test, or empty", fix)
    return _FOLDS[text]
