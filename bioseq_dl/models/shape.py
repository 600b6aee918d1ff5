"""What goes into a network and comes out, and how long a sequence is on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from bioseq_dl.config import ConvLayer, Model, Targets
from bioseq_dl.encode.alphabet import DNA, Alphabet
from bioseq_dl.encode.examples import Examples

if TYPE_CHECKING:
    from torch import Tensor

Length = TypeVar("Length", int, "Tensor")


@dataclass(frozen=True)
class Shape:
    """The sizes a network takes from its data."""

    letters: int
    """Rows of the one-hot matrix."""
    length: int | None
    """Bases of every sequence; None where lengths differ."""
    targets: int
    """Outputs (with a value for each class, where there are classes)."""
    classes: int
    """Classes of each target; 1 for binary and regression."""
    features: int = 0
    """Rows of further inputs below the one-hot matrix."""
    wild_type: tuple[int, ...] | None = None
    """Codes of the sequence whose variants are read, where all have its length."""


def shape_of(
    targets: Targets,
    lengths: npt.NDArray[np.int64],
    alphabet: Alphabet = DNA,
    features: int = 0,
    wild_type: npt.NDArray[np.uint8] | None = None,
) -> Shape:
    """Take the shape from targets, the lengths of all sequences, alphabet and further inputs.

    Networks with an output for each position take any length. A wild type of another length than
    the sequences' is left out.
    """
    fixed = len(lengths) and bool((lengths == lengths[0]).all()) and not targets.per_residue
    return Shape(
        letters=len(alphabet.letters),
        length=int(lengths[0]) if fixed else None,
        targets=len(targets.outputs),
        classes=len(targets.classes) if targets.kind == "multiclass" else 1,
        features=features,
        wild_type=tuple(map(int, wild_type))
        if fixed and wild_type is not None and len(wild_type) == lengths[0]
        else None,
    )


def take_shape(targets: Targets, examples: Examples) -> Shape:
    """Take the shape from encoded sequences."""
    features = 0 if examples.features is None else examples.features.shape[1]
    return shape_of(targets, examples.lengths, examples.alphabet, features, examples.wild_type)


def read_shape(fields: Mapping[str, Any]) -> Shape:
    """Build the shape that a checkpoint's JSON holds.

    Raises
    ------
    TypeError
        Where a field is unknown or missing.
    """
    letters = fields.get("wild_type")
    return Shape(**{**fields, "wild_type": None if letters is None else tuple(letters)})


def layer_positions(layer: ConvLayer, positions: Length) -> Length:
    """Positions after a layer, for a number or (elementwise) a tensor of numbers.

    0 or less where the sequence is too short for the layer.
    """
    stride = layer.pool_stride or layer.pool
    if layer.padding == "same":
        return (positions + stride - 1) // stride
    taken = layer.repeat * (layer.kernel - 1) * layer.dilation
    return (positions - taken - layer.pool) // stride + 1


def count_positions(model: Model, length: int) -> int:
    """Positions that reach the pooling, of a sequence of `length` bases."""
    for layer in model.conv:
        length = layer_positions(layer, length)
    return length


def shortest_length(model: Model) -> int:
    """Bases of the shortest sequence of which one position reaches the pooling."""
    positions = 1
    for layer in reversed(model.conv):
        positions = (positions - 1) * (layer.pool_stride or layer.pool) + 1
        if layer.padding == "valid":
            positions += layer.pool - 1 + layer.repeat * (layer.kernel - 1) * layer.dilation
    return positions
