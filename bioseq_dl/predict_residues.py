"""Trained models applied to the residues of new proteins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import expit, softmax

from bioseq_dl.config import HEADS, Targets
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.errors import InputError
from bioseq_dl.io.embeddings import read_embeddings
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.labelled_proteins import AMINO_ACIDS, LONGEST, read_residues
from bioseq_dl.io.psipred import PredictedProtein
from bioseq_dl.predict import predict_examples
from bioseq_dl.train.checkpoint import Checkpoint

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
    for other in checkpoints[1:]:
        if other.targets != first.targets:
            raise InputError(
                "the models predict different targets",
                found=", ".join(other.targets.names),
                allowed=", ".join(first.targets.names),
            )
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
    found = [
        scale_outputs(first.targets, predict_examples(checkpoint, examples, rows, device))
        for checkpoint in checkpoints
    ]
    mean = average_outputs(found)
    proteins = []
    for row, name in enumerate(ids):
        start, end = examples.offsets[row], examples.offsets[row + 1]
        values: dict[str, Any] = {key: given[start:end] for key, given in mean.items()}
        proteins.append(PredictedProtein(id=name, sequence=sequences[row], **values))
    return proteins, skipped


def read_proteins(path: Path, longest: int) -> tuple[list[str], list[str], dict[str, str]]:
    """Read the proteins that can be predicted: ids, sequences, and why others cannot.

    Raises
    ------
    InputError
        Where none can, or an id stands twice.
    """
    ids: list[str] = []
    sequences: list[str] = []
    skipped: dict[str, str] = {}
    for record in read_fasta(path):
        residues = read_residues(record.sequence)
        if record.id in skipped or record.id in ids:
            raise InputError(
                "an id stands twice", file=path, record=record.id, fix="give each its own"
            )
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


def scale_outputs(targets: Targets, outputs: NDArray[np.float32]) -> dict[str, NDArray[np.float64]]:
    """Turn raw outputs (residues, outputs) into probabilities, shares and points on the circle.

    Returns
    -------
    dict
        q3 and q8 (residues, states); disorder and rsa (residues,); phi and psi (residues, 2):
        sine and cosine.
    """
    found: dict[str, NDArray[np.float64]] = {}
    place = 0
    for name in targets.names:
        head = HEADS[name]
        given = outputs[:, place : place + len(head.outputs)].astype(np.float64)
        place += len(head.outputs)
        if head.measure == "states":
            found[name] = softmax(given, axis=1)
        elif head.measure == "angles":
            for index, label in enumerate(head.labels):
                found[label] = given[:, 2 * index : 2 * index + 2]
        else:
            found[name] = expit(given[:, 0])
    return found


def average_outputs(
    found: Sequence[Mapping[str, NDArray[np.float64]]],
) -> dict[str, NDArray[np.float64]]:
    """Average what `scale_outputs` gives of several models; angles become radians."""
    angles = set(HEADS["angles"].labels)
    mean = {name: np.mean([one[name] for one in found], axis=0) for name in found[0]}
    return {
        name: np.arctan2(values[:, 0], values[:, 1]) if name in angles else values
        for name, values in mean.items()
    }


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
