"""Trained models applied: to the records of a run, or to new sequences."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from bioseq_dl.config import FastaInput, Reading, Source
from bioseq_dl.data.batches import join_positions, plan_batches
from bioseq_dl.encode.alphabet import ALPHABETS, Alphabet
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.encode.sequence import fit_length
from bioseq_dl.errors import InputError
from bioseq_dl.io.fasta import read_fasta
from bioseq_dl.io.letters import check_letters, join_letters
from bioseq_dl.io.residues import look_like_nucleotides
from bioseq_dl.predictions import name_outputs
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.train.checkpoint import Checkpoint, restore_model
from bioseq_dl.train.ensemble import check_alike

BATCH = {"cpu": 32, "cuda": 512}
"""Small batches are the fast ones on a CPU: the activations stay in its cache."""


@torch.inference_mode()
def predict_examples(
    checkpoint: Checkpoint, examples: Examples, rows: NDArray[np.int64], device: torch.device
) -> NDArray[np.float32]:
    """Give the model's raw outputs for some rows, in fp32.

    Parameters
    ----------
    checkpoint : Checkpoint
        The trained model.
    examples : Examples
        Encoded records.
    rows : int64 (n,)
        Which of them.
    device : torch.device
        Where the model runs.

    Returns
    -------
    float32 (n, targets) or (n, targets, classes), or (positions, outputs) of residues
        Logits, or values for regression, in the order of `rows`.
    """
    model = restore_model(checkpoint).to(device)
    feed = find_task(checkpoint.task).load("feed")
    shape = checkpoint.shape
    tail = (shape.targets, shape.classes) if shape.classes > 1 else (shape.targets,)
    wanted = examples.target_rows(rows)
    outputs = np.empty((len(wanted), *tail), np.float32)
    place = np.empty(len(examples.targets), np.int64)
    place[wanted] = np.arange(len(wanted))
    size = BATCH.get(device.type, BATCH["cpu"])
    for indices in plan_batches(examples.lengths, rows, size):
        inputs, _ = feed(examples, indices, device)
        found = join_positions(model(*inputs).float().cpu(), examples, indices)
        outputs[place[examples.target_rows(indices)]] = found.numpy()
    return outputs


def predict_fasta(checkpoints: Sequence[Checkpoint], path: Path, device: torch.device) -> pa.Table:
    """Predict every sequence of a FASTA with one or several models.

    A model trained on sequences of one length reads that length: others are cropped or
    padded around their centre, and their note says so. Proteins are neither: a variant of another
    length than those of training has no prediction, nor has one that looks like nucleotides. In
    DNA U reads as T; lower case reads as upper.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        Models of one kind, for instance the seeds of a run.
    path : Path
        FASTA, plain or compressed.
    device : torch.device
        Where the models run.

    Returns
    -------
    pyarrow.Table
        ``id``; per target the mean over models (``probability:<target>``,
        ``probability:<target>:<class>`` or ``value:<target>``) and, with several, the sample
        standard deviation (``sd:…``); ``note`` says why a row has none, or what was cropped
        or padded. A row per record, in the file's order.

    Raises
    ------
    InputError
        Where the file cannot be read, holds no record, or the models differ in targets.
    """
    first = checkpoints[0]
    letters = find_task(first.task).alphabet
    alphabet = ALPHABETS[letters]
    check_alike(checkpoints, lengths=True)
    records = list(read_fasta(path))
    if not records:
        raise InputError("no records in the FASTA", file=path)
    entry = FastaInput(format="fasta", source=Source(path=str(path)))
    checked = check_letters(
        *join_letters([record.sequence for record in records]),
        Reading(
            inputs=(entry,),
            alphabet="protein" if letters == "protein" else "rna",
            max_unknown_fraction=1.0,
        ),
    )
    length = first.shape.length
    faults = {row: problem[0] for row, problem in checked.problems.items()}
    if letters == "protein":
        for row, record in enumerate(records):
            if row not in faults and (fault := _find_misfit(record.sequence, length)):
                faults[row] = fault
    good = np.array([row for row in range(len(records)) if row not in faults], np.int64)
    notes = [
        faults[row] if row in faults else _tell_fit(len(record.sequence), length, alphabet)
        for row, record in enumerate(records)
    ]
    columns: dict[str, pa.Array] = {"id": pa.array([record.id for record in records])}
    if len(good):
        sequences = [
            checked.letters[checked.offsets[row] : checked.offsets[row + 1]].tobytes()
            for row in good
        ]
        for name, values in _score(checkpoints, sequences, device).items():
            full = np.full(len(records), np.nan)
            full[good] = values
            columns[name] = pa.array(full, pa.float64(), mask=np.isnan(full))
    columns["note"] = pa.array(notes, pa.string())
    return pa.table(columns)


def _find_misfit(sequence: str, wanted: int | None) -> str | None:
    """Tell why a protein cannot be read by models of variants."""
    if look_like_nucleotides(sequence):
        return "these look like nucleotides: translate them"
    if wanted is not None and len(sequence) != wanted:
        # Its residues would stand at other places than those that the model knows.
        return f"{len(sequence)} residues, where the models were trained on variants of {wanted}"
    return None


def _tell_fit(found: int, wanted: int | None, alphabet: Alphabet) -> str | None:
    if wanted is None or found == wanted:
        return None
    return f"{'cropped' if found > wanted else 'padded'} from {found} to {wanted} {alphabet.unit}s"


def _score(
    checkpoints: Sequence[Checkpoint], sequences: list[bytes], device: torch.device
) -> dict[str, NDArray[np.float64]]:
    spec = checkpoints[0].targets
    prefix = "value" if spec.kind == "regression" else "probability"
    scores = []
    for checkpoint in checkpoints:
        examples = _encode(sequences, checkpoint)
        outputs = predict_examples(checkpoint, examples, np.arange(len(examples)), device)
        scores.append(name_outputs(spec, _to_scale(outputs, spec.kind)))
    columns = {}
    for name in scores[0]:
        each = np.stack([score[name] for score in scores]).astype(np.float64)
        columns[name.replace("output", prefix, 1)] = each.mean(axis=0)
        if len(scores) > 1:
            columns[name.replace("output", "sd", 1)] = each.std(axis=0, ddof=1)
    return columns


def _to_scale(outputs: NDArray[np.float32], kind: str) -> NDArray[np.float32]:
    tensor = torch.from_numpy(outputs)
    if kind == "binary":
        tensor = torch.sigmoid(tensor)
    elif kind == "multiclass":
        tensor = torch.softmax(tensor, dim=-1)
    return np.asarray(tensor.numpy(), np.float32)


def _encode(sequences: list[bytes], checkpoint: Checkpoint) -> Examples:
    lengths = [len(sequence) for sequence in sequences]
    alphabet = ALPHABETS[find_task(checkpoint.task).alphabet]
    codes = alphabet.encode(b"".join(sequences))
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    length = checkpoint.shape.length
    if length is not None:
        codes, offsets = fit_length(codes, offsets, length, alphabet.unknown_code)
    count = len(sequences)
    return Examples(
        codes=codes,
        offsets=offsets,
        targets=np.full((count, len(checkpoint.targets.names)), np.nan, np.float32),
        roles=np.full((1, count), ROLES.index("test"), np.uint8),
        spec=checkpoint.targets,
        unknown=checkpoint.unknown,
        ids_sha256=hash_ids([]),
        alphabet=alphabet,
    )
