"""Sizes of networks on cells by kind: plain data for ``CellModel``.

Small enough that 700 cells of 765 genes train in seconds on one core. They were chosen on
validation cells of that set (pbmc68k_reduced), where networks that keep places apart did better: a
large ``grid``, and the steps of an LSTM end to end.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CELL_SIZES: Mapping[str, Mapping[str, Any]] = {
    "mlp": {"dense": (128, 64), "dropout": 0.3},
    "cnn1d": {
        "conv": ({"channels": 16, "kernel": 9, "pool": 4},),
        "grid": 192,
        "dense": (64,),
        "dropout": 0.3,
    },
    "lstm": {"recurrent": {}, "dense": (64,), "dropout": 0.3},
    "cnn2d": {
        "stem": {"channels": 24, "kernel": 5, "stride": 2},
        "stages": ({"channels": 24},),
        "grid": 14,
        "dense": (64,),
        "dropout": 0.5,
    },
    "resnet18": {"enlarge": 2, "grid": 1, "dropout": 0.3},
}
"""Kind: the fields of ``CellModel`` it sets; the others keep their defaults."""

FIELDS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "mlp": (),
    "cnn1d": ("conv", "grid"),
    "lstm": ("recurrent",),
    "cnn2d": ("stem", "stages", "enlarge", "grid"),
    "resnet18": ("enlarge", "grid", "weights", "freeze"),
}
"""Kind: fields that mean something of it alone."""
