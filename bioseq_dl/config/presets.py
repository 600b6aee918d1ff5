"""Sizes of published networks, and our own, by name: plain data for ``Model``.

The published ones are for one length; with another the first dense layer changes:

- ``basset``: Kelley, Snoek and Rinn 2016, Genome Research 26:990; 600 bp, 164 targets. Sizes as
  in the authors' model in Kipoi (convolutions without padding).
- ``danq``: Quang and Xie 2016, Nucleic Acids Research 44:e107; 1,000 bp, 919 targets. Sizes as
  in the authors' DanQ_train.py.
- ``deepsea``: Zhou and Troyanskaya 2015, Nature Methods 12:931; 1,000 bp, 919 targets. Sizes as
  in the authors' model in Kipoi.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "cnn": {
        "conv": (
            {"channels": 256, "kernel": 19, "activation": "exp", "pool": 4, "dropout": 0.1},
            {"channels": 96, "kernel": 1},
            {"channels": 96, "kernel": 5, "repeat": 2, "residual": True, "dropout": 0.1},
            {"channels": 96, "kernel": 5, "repeat": 2, "residual": True, "dropout": 0.1},
        ),
        "activation": "gelu",
        "pooling": ("max", "mean", "attention"),
        "attention_heads": 4,
        "pooling_dropout": 0.3,
        "dense": (64,),
        "dropout": 0.3,
        "wide": {"anywhere": 6, "dropout": 0.3},
    },
    "bilstm": {
        "recurrent": {"kind": "lstm", "hidden": 128},
        "pooling": ("max", "mean"),
        "dense": (64,),
        "dropout": 0.3,
    },
    "bigru": {
        "recurrent": {"kind": "gru", "hidden": 128},
        "pooling": ("max", "mean"),
        "dense": (64,),
        "dropout": 0.3,
    },
    "cnn_bilstm": {
        "conv": ({"channels": 128, "kernel": 19, "pool": 4, "dropout": 0.2},),
        "recurrent": {"kind": "lstm", "hidden": 64},
        "pooling": ("max", "attention"),
        "dense": (64,),
        "dropout": 0.3,
    },
    "basset": {
        "conv": (
            {"channels": 300, "kernel": 19, "padding": "valid", "pool": 3},
            {"channels": 200, "kernel": 11, "padding": "valid", "pool": 4},
            {"channels": 200, "kernel": 7, "padding": "valid", "pool": 4},
        ),
        "pooling": ("flatten",),
        "dense": (1000, 1000),
        "dropout": 0.3,
    },
    "danq": {
        "conv": ({"channels": 320, "kernel": 26, "padding": "valid", "pool": 13, "dropout": 0.2},),
        "recurrent": {"kind": "lstm", "hidden": 320, "dropout": 0.5},
        "normalisation": "none",
        "pooling": ("flatten",),
        "dense": (925,),
    },
    "deepsea": {
        "conv": (
            {"channels": 320, "kernel": 8, "padding": "valid", "pool": 4, "dropout": 0.2},
            {"channels": 480, "kernel": 8, "padding": "valid", "pool": 4, "dropout": 0.2},
            {"channels": 960, "kernel": 8, "padding": "valid", "dropout": 0.5},
        ),
        "normalisation": "none",
        "pooling": ("flatten",),
        "dense": (925,),
    },
    # Ours, for variants of one protein: small, and beside a term for each residue at its place.
    "variants": {
        "conv": ({"channels": 16, "kernel": 3},),
        "normalisation": "none",
        "activation": "gelu",
        "pooling": ("flatten",),
        "dense": (64,),
        "dropout": 0.4,
        "wide": {"positional": 1},
    },
    # Ours, for an output at each position: none pools. Sizes were chosen on the validation
    # chains of benchmarks/protein_residue.
    "residue_cnn": {
        "conv": (
            {"channels": 128, "kernel": 11, "dropout": 0.2},
            {"channels": 128, "kernel": 9, "residual": True, "dropout": 0.2},
            {"channels": 128, "kernel": 9, "residual": True, "dropout": 0.2},
        ),
        "dense": (128,),
        "dropout": 0.3,
    },
    "residue_dilated": {
        "conv": (
            {"channels": 128, "kernel": 7, "dropout": 0.1},
            *(
                {
                    "channels": 128,
                    "kernel": 5,
                    "dilation": dilation,
                    "repeat": 2,
                    "residual": True,
                    "dropout": 0.1,
                }
                for dilation in (1, 2, 4, 8, 16, 1)
            ),
        ),
        "activation": "gelu",
        "dense": (128,),
        "dropout": 0.3,
    },
    "residue_bilstm": {
        "recurrent": {"kind": "lstm", "hidden": 128, "layers": 2, "dropout": 0.3},
        "dense": (128,),
        "dropout": 0.3,
    },
    "residue_bigru": {
        "recurrent": {"kind": "gru", "hidden": 128, "layers": 2, "dropout": 0.3},
        "dense": (128,),
        "dropout": 0.3,
    },
    "residue_cnn_bilstm": {
        "conv": (
            {"channels": 128, "kernel": 7, "dropout": 0.2},
            {"channels": 128, "kernel": 15, "residual": True, "dropout": 0.2},
        ),
        "recurrent": {"kind": "lstm", "hidden": 128, "layers": 2, "dropout": 0.3},
        "dense": (128,),
        "dropout": 0.3,
    },
}
"""Name: the fields of ``Model`` it sets; the others keep their defaults."""
