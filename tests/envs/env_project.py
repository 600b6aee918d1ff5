"""A project of small files whose workflow runs every step that has an env."""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import yaml
from env_files import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "tests" / "workflow"))

from workflow_project import MOTIF, small_run, write_fasta

LETTERS = "ACDEFGHIKLMNPQRSTVWY"
WILD_TYPE = "MKLVACDEFGHIKLMN"
QUICK = {"epochs": 2, "seeds": [1], "batch_size": 16, "threads": 1, "device": "cpu"}


def dna_run() -> dict[str, Any]:
    """Sequences with and without a motif: a search, variants in parts, explanations, motifs."""
    cohort = {
        "format": "vcf",
        "source": {"path": "data/cohort.vcf"},
        "genome": {"path": "data/genome.fa"},
    }
    explain = {
        "records": 2,
        "methods": ["mutagenesis", "integrated_gradients"],
        "motifs": {"records": 100, "min_sites": 5},
    }
    return small_run(
        # Enough for a motif, which is then looked up in a database.
        train=QUICK | {"epochs": 20, "learning_rate": 0.01},
        evaluate={"bootstrap": 20},
        variants={"cohort": cohort},
        tune={
            "space": {"train.learning_rate": {"choices": [0.003, 0.01]}},
            "sampler": "grid",
            "pruner": "none",
            "epochs": 1,
        },
        explain=explain,
    )


def write_dna(data: Path) -> None:
    """Write the two classes, a contig with the motif now and then, and a VCF on it."""
    write_fasta(data / "bound.fa", 100, motif=True, seed=1)
    write_fasta(data / "background.fa", 100, motif=False, seed=2)
    bases = random.Random(3).choices("ACGT", k=1000)
    for start in range(100, 900, 200):
        bases[start : start + len(MOTIF)] = MOTIF
    (data / "genome.fa").write_text(f">chr20\n{''.join(bases)}\n")
    lines = ["##fileformat=VCFv4.3", "#CHROM POS ID REF ALT QUAL FILTER INFO".replace(" ", "\t")]
    for start in range(50, 950, 30):
        alt = "CGTA"["ACGT".index(bases[start])]
        lines.append(f"chr20\t{start + 1}\tv{start}\t{bases[start]}\t{alt}\t.\tPASS\t.")
    (data / "cohort.vcf").write_text("\n".join(lines) + "\n")


def protein_run() -> dict[str, Any]:
    """Double mutants whose effects add up: a landscape and designs."""
    table = {
        "source": {"path": "data/mutants.csv"},
        "variant_column": "variant",
        "columns": {"score": "score"},
    }
    return {
        "task": "protein_fitness",
        "ingest": {"wild_type_sequence": WILD_TYPE, "inputs": [table], "repeats": "mean"},
        "split": {"method": "random", "val_fraction": 0.1, "test_fraction": 0.2},
        "model": {"conv": [{"channels": 4, "kernel": 1}], "pooling": "flatten", "dense": [8]},
        "train": QUICK,
        "landscape": {"designs": {"count": 3, "max_mutations": 2, "beam": 20}},
        "evaluate": {"bootstrap": 20},
    }


def write_protein(data: Path) -> None:
    """Write the double mutants and their scores."""
    draw = random.Random(0)
    effects = {(place, letter): draw.gauss(0, 1) for place in range(16) for letter in LETTERS}
    rows = ["variant,score"]
    for _ in range(200):
        places = sorted(draw.sample(range(16), 2))
        changes = [(p, draw.choice(LETTERS.replace(WILD_TYPE[p], ""))) for p in places]
        text = ",".join(f"{WILD_TYPE[p]}{p + 1}{letter}" for p, letter in changes)
        rows.append(f'"{text}",{sum(effects[change] for change in changes):.4f}')
    (data / "mutants.csv").write_text("\n".join(rows) + "\n")


def cells_run() -> dict[str, Any]:
    """Two kinds of cells as pictures: the genes that matter, and cells given back."""
    table = {
        "format": "table",
        "rows": "samples",
        "source": {"path": "data/cells.csv"},
        "columns": {"type": "type"},
    }
    return {
        "task": "expression",
        "targets": {"kind": "multiclass", "names": ["type"], "classes": ["T", "B"]},
        "ingest": {"inputs": [table]},
        "split": {"folds": 1},
        "encode": {"layout": {"kind": "pca"}},
        "model": {"kind": "cnn2d", "stem": {"channels": 4}, "stages": [], "grid": 2},
        "train": QUICK,
        "baselines": {"logistic": False, "pca": None, "forest": False},
        "evaluate": {"bootstrap": 20, "drawn": 0},
        "saliency": {"test": "t-test"},
    }


def write_cells(data: Path) -> None:
    """Write cells by genes; those of one kind have more of everything."""
    draw = random.Random(0)
    rows = ["id,type," + ",".join(f"g{gene}" for gene in range(30))]
    for cell in range(60):
        counts = (str(draw.randrange(9) * (1 + cell % 2)) for _ in range(30))
        rows.append(f"c{cell},{'TB'[cell % 2]},{','.join(counts)}")
    (data / "cells.csv").write_text("\n".join(rows) + "\n")


def write_project(folder: Path) -> None:
    """Write the data and the config of a project.

    A new step is reached by a run here, or by a further section in one.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    write_dna(data)
    write_protein(data)
    write_cells(data)
    runs = {"dna": dna_run(), "protein": protein_run(), "cells": cells_run()}
    (folder / "config").mkdir()
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump({"runs": runs}))
