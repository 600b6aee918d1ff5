"""Files of the step saliency, made up."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

GENES = [f"GENE{number}" for number in range(90)]
TOP = 8


def write_saliency(folder: Path, classes: list[str], *, images: bool = True) -> None:
    """Write what the step writes, of made-up scores; a gene is called <NA&>."""
    generator = np.random.default_rng(0)
    names = ["<NA&>", *GENES[1:]]
    rows, told, pictures = [], {}, {}
    for name in classes:
        table = pd.DataFrame({"target": "type", "class": name, "gene": names})
        for kind in ("rank", "scanpy_rank"):  # the first gene is the first of either list
            table[kind] = [1, *(generator.permutation(89) + 2)]
        table[["score", "rank_sd", "scanpy_score", "log2_fold_change", "adjusted_p"]] = 0.5
        rows.append(table[(table["rank"] <= TOP) | (table["scanpy_rank"] <= TOP)])
        shared = int(((table["rank"] <= TOP) & (table["scanpy_rank"] <= TOP)).sum())
        told[name] = {
            "cells": 12, "train": 1234, "shared": shared, "expected": TOP * TOP / 90, "p": 0.0123,
            "agreement": 0.5,
        }  # fmt: skip
        pictures[name] = {
            "mean": generator.normal(size=(10, 10)).tolist(),
            "map": generator.random((10, 10)).tolist(),
        }
    summary: dict[str, Any] = {
        "method": "Grad-CAM" if images else "integrated gradients",
        "networks": 2, "fold": 0, "genes": 90, "top": TOP, "test": "wilcoxon",
        "targets": {"type": told},
        "images": {
            "height": 10, "width": 10, "genes": names, "pixels": list(range(90)),
            "target": "type", "classes": pictures,
        } if images else None,
    }  # fmt: skip
    folder.mkdir(exist_ok=True)
    (folder / "saliency.json").write_text(json.dumps(summary))
    pd.concat(rows).to_csv(folder / "genes.tsv", sep="\t", index=False)
