"""Trained models applied to the residues of new proteins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.errors import InputError
from bioseq_dl.io.embeddings import read_embeddings
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.labelled_proteins import (
    AMINO_ACIDS,
    LONGEST,
    NUCLEOTIDES_ENOUGH,
    read_residues,
)
from bioseq_dl.io.nucleotides import refuse_nucleotides
from bioseq_dl.io.psipred import PredictedProtein
from bioseq_dl.predict import predict_examples
from bioseq_dl.residue_outputs import scale_outputs, split_labels
from bioseq_dl.train.checkpoint import Checkpoint
from bioseq_dl.train.ensemble import check_alike

_KNOWN = set(AMINO_ACIDS + "X")


def predict_residues(
    checkpoints: Sequence[Checkpoint],
    path: Path,
    device: torch.device,
    embeddings: Path | None = None,
    longest: int = LONGEST,
) -> tuple[list[PredictedProtein], dict[str, str]]:
    """Predict every residue of every protein of a FASTA with one or several models.

    Probabilities (and accessibilities) of several models are averaged, angles as points on the
    circle.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Models of one kind, for instance the seeds of a run.
    path : Path
        FASTA of proteins, plain or compressed; U is read as C, O as K, B, J and Z as X.
    device : torch.device
        Where the models run.
    embeddings : Path, optional
        File of numbers for each residue, for models that were trained on such.
    longest : int
        Longer proteins are not predicted.

    Returns
    -------
    proteins : list of PredictedProtein
        In the file's order.
    skipped : dict
        Id of each protein that was not predicted: why.

    Raises
    ------
    InputError
        Where the file cannot be read, holds no protein that can be predicted or one id twice,
        the models differ in targets, or want features that are not given.
    """
    first = checkpoints[0]
    check_alike(checkpoints)
    for other in checkpoints[1:]:
        if other.shape.features != first.shape.features:
            raise InputError("the models read embeddings of different sizes")
    if (first.shape.features > 0) != (embeddings is not None):
        raise InputError(
            "the model reads embeddings" if first.shape.features else "the model reads none",
            found=str(embeddings) if embeddings else "no --embeddings",
            fix="give the embeddings that it was trained on, or none",
        )
    ids, sequences, skipped = read_proteins(path, longest)
    features = None
    if embeddings is not None:
        lengths = [len(sequence) for sequence in sequences]
        features = read_embeddings(embeddings, ids, lengths, first.shape.features)
    examples = _encode(sequences, first, features)
    rows = np.arange(len(examples))
    scaled = [
        scale_outputs(first.targets, predict_examples(checkpoint, examples, rows, device))
        for checkpoint in checkpoints
    ]
    mean = split_labels(first.targets, np.mean(scaled, axis=0))
    proteins = []
    for row, name in enumerate(ids):
        start, end = examples.offsets[row], examples.offsets[row + 1]
        values: dict[str, Any] = {label: given[start:end] for label, given in mean.items()}
        proteins.append(PredictedProtein(id=name, sequence=sequences[row], **values))
    return proteins, skipped


def read_proteins(path: Path, longest: int) -> tuple[list[str], list[str], dict[str, str]]:
    """Read the proteins that can be predicted: ids, sequences, and why others cannot.

    Raises
    ------
    InputError
        Where none can, they are nucleotides, or an id stands twice.
    """
    ids: list[str] = []
    sequences: list[str] = []
    skipped: dict[str, str] = {}
    taken: set[str] = set()
    records = list(read_fasta(path))
    refuse_nucleotides((record.sequence for record in records), path, NUCLEOTIDES_ENOUGH)
    for record in records:
        residues = read_residues(record.sequence)
        if record.id in taken:
            raise InputError(
                "an id stands twice", file=path, record=record.id, fix="give each its own"
            )
        taken.add(record.id)
        other = next((place for place, one in enumerate(residues) if one not in _KNOWN), None)
        if not residues:
            skipped[record.id] = "empty sequence"
        elif other is not None:
            skipped[record.id] = f"residue {other + 1} is {residues[other]!r}, no amino acid"
        elif len(residues) > longest:
            skipped[record.id] = f"{len(residues)} residues, more than {longest}"
        else:
            ids.append(record.id)
            sequences.append(residues)
    if not ids:
        why = next(iter(skipped.items()), None)
        raise InputError(
            "no protein that can be predicted",
            file=path,
            record=why[0] if why else None,
            found=why[1] if why else "no record",
        )
    return ids, sequences, skipped


def _encode(
    sequences: Sequence[str], checkpoint: Checkpoint, features: NDArray[np.float32] | None
) -> Examples:
    codes = PROTEIN.encode("".join(sequences).encode())
    offsets = np.concatenate([[0], np.cumsum([len(text) for text in sequences])]).astype(np.int64)
    return Examples(
        codes=codes,
        offsets=offsets,
        targets=np.full((len(codes), len(checkpoint.targets.labels)), np.nan, np.float32),
        roles=np.full((1, len(sequences)), ROLES.index("test"), np.uint8),
        spec=checkpoint.targets,
        unknown=checkpoint.unknown,
        ids_sha256=hash_ids([]),
        alphabet=PROTEIN,
        features=features,
    )
