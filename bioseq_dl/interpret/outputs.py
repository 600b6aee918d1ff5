"""Which outputs of a network are explained, and on what scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from torch import Tensor

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError

Values = TypeVar("Values", "Tensor", npt.NDArray[np.float32])


@dataclass(frozen=True)
class Output:
    """One number that a network gives."""

    name: str
    """``<target>``, or ``<target>:<class>`` of a multiclass target."""
    target: int
    """Place of the target."""
    label: int | None = None
    """Code of the class."""


def list_outputs(targets: Targets, asked: Sequence[str] = ()) -> tuple[Output, ...]:
    """List the outputs of all targets, or of those asked for, in the targets' order.

    Parameters
    ----------
    targets : Targets
        Of the model.
    asked : sequence of str
        Names of targets, or ``<target>:<class>``; empty is all.

    Raises
    ------
    InputError
        Where a name is none of them.
    """
    labels = list(enumerate(targets.classes)) if targets.kind == "multiclass" else []
    outputs = []
    for place, name in enumerate(targets.names):
        if not labels:
            outputs.append(Output(name, place))
        outputs += [Output(f"{name}:{label}", place, code) for code, label in labels]
    known = {output.name for output in outputs} | set(targets.names)
    for name in asked:
        if name not in known:
            allowed = ", ".join([*targets.names, *(o.name for o in outputs if labels)])
            raise InputError("no such target to explain", found=name, allowed=allowed)
    if not asked:
        return tuple(outputs)
    chosen = set(asked)
    return tuple(o for o in outputs if o.name in chosen or targets.names[o.target] in chosen)


def tell_scale(targets: Targets) -> str:
    """Say what the explained numbers are."""
    return {
        "binary": "logit",
        "multiclass": "logit of the class minus the mean logit of all classes",
        "regression": "predicted value",
    }[targets.kind]


def read_outputs(values: Values, outputs: Sequence[Output]) -> Values:
    """Take the explained numbers from a network's raw outputs.

    Logits of classes are told apart only by their differences: adding one number to all of
    them changes no probability. So the mean over the classes is taken off (as Shrikumar et
    al. 2017, ICML, section 3.6, do with contributions to a softmax).

    Parameters
    ----------
    values : float32 (n, targets) or (n, targets, classes), tensor or array

    Returns
    -------
    float32 (n, outputs), tensor or array
    """
    places = [output.target for output in outputs]
    chosen: Values
    if values.ndim == 2:
        chosen = values[:, places]
        return chosen
    labels = [output.label or 0 for output in outputs]
    chosen = (values - values.mean(-1)[..., None])[:, places, labels]
    return chosen
