"""What a task is: a frozen record of functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, Literal

from bioseq_dl.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Task:
    """A task, each function named as ``module:function`` and imported when called for.

    Names rather than the functions themselves, so that a step loads (and its conda env
    holds) only what that step needs: ingest runs without torch. A test resolves them all.
    """

    alphabet: Literal["dna", "protein", ""] = "dna"
    """What its sequences are made of; empty where there are none."""
    matrix: bool = False
    """Whether ingest writes a matrix beside the records, which encode reads."""
    read: str
    """``(Ingest, Targets, files, cache) -> Ingested``: files to records."""
    encode: str
    """``(records, folds, Targets, Encode) -> Examples``: records to arrays; where there is a
    matrix, with it and the fetched files by source key as well."""
    write: str = "bioseq_dl.data.examples:write_examples"
    """``(path, Examples) -> None``: examples to a file."""
    open: str = "bioseq_dl.data.examples:open_examples"
    """``(path, fold) -> Encoded``: encoded records as a fold reads them."""
    feed: str | None = None
    """``(examples, indices, device, augment, generator) -> (inputs, targets)``: a batch on
    the device, ready for the model."""
    build_model: str | None = None
    """``(Model, Shape) -> nn.Module``; None, as feed and loss, where the road ends with encode."""
    load_initial: str | None = None
    """``(nn.Module, path) -> None``: weights that a training may start from."""
    model: str = "bioseq_dl.config:Model"
    """What describes its networks in a config."""
    take_shape: str = "bioseq_dl.models.shape:take_shape"
    """``(Targets, Encoded) -> Shape``: the sizes that a network takes from its data."""
    read_shape: str = "bioseq_dl.models.shape:read_shape"
    """``(mapping) -> Shape``: from a checkpoint."""
    loss: str | None = None
    """``(Targets, class_weights, label_smoothing, kind) -> (outputs, labels) -> scalar``;
    honours missing labels, and weights of records where there are some."""
    score: str = "bioseq_dl.train.score:validation_score"
    """``(outputs, targets, Targets) -> float``: how good an epoch is on validation."""
    perturb: str | None = None
    """``(nn.Module, device) -> Engine``: scores many small changes of a sequence; what variants
    and explanations need. None where the task has no such thing."""
    evaluate: str = "bioseq_dl.evaluate.run:evaluate_run"
    """``(predictions, baselines, Targets, Evaluate, published, records) -> Evaluation``: judges a
    run on its test records."""
    baselines: Mapping[str, str] = field(default_factory=dict)
    """Name: ``(examples, fold, Baselines) -> predictions``."""

    def load(self, name: str) -> Callable[..., Any]:
        """Import the function behind a field.

        Raises
        ------
        InputError
            Where the task has no such function.
        """
        reference = getattr(self, name)
        if reference is None:
            raise InputError(f"the task has no function {name}")
        return resolve(reference)


def resolve(reference: str) -> Callable[..., Any]:
    """Import ``module:function``."""
    module, _, function = reference.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), function)
    return found
