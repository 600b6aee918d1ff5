"""What a task is: a frozen record of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task, each function named as ``module:function`` and imported when called for.

    Names rather than the functions themselves, so that a step loads (and its conda env
    holds) only what that step needs: ingest runs without torch. A test resolves them all.
    """

    alphabet: Literal["dna", "protein"] = "dna"
    """What its sequences are made of."""
    read: str
    """``(Ingest, Targets, files, cache) -> Ingested``: files to records."""
    encode: str
    """``(records, folds, Targets, Encode) -> Examples``: records to arrays."""
    feed: str
    """``(examples, indices, device, augment, generator) -> (inputs, targets)``: a batch on
    the device, ready for the model."""
    build_model: str
    """``(Model, Shape) -> nn.Module``."""
    loss: str
    """``(Targets, class_weights, label_smoothing, kind) -> (outputs, labels) -> scalar``;
    honours missing labels, and weights of records where there are some."""
    perturb: str | None = None
    """``(nn.Module, device) -> Engine``: scores many small changes of a sequence; what variants
    and explanations need. None where the task has no such thing."""
    evaluate: str = "bioseq_dl.evaluate.run:evaluate_run"
    """``(predictions, baselines, Targets, Evaluate, published, records) -> Evaluation``: judges a
    run on its test records."""
    baselines: Mapping[str, str] = field(default_factory=dict)
    """Name: ``(examples, fold, Baselines) -> predictions``."""

    def load(self, name: str) -> Callable[..., Any]:
        """Import the function behind a field."""
        return resolve(getattr(self, name))


def resolve(reference: str) -> Callable[..., Any]:
    """Import ``module:function``."""
    module, _, function = reference.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
