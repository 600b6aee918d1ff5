"""Motifs in what contributes most, over the records with the highest scores."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from bioseq_dl.config import Explain
from bioseq_dl.encode.alphabet import DNA, Codes
from bioseq_dl.interpret.explain import Log, Pool, choose_records, divide, explain_part
from bioseq_dl.interpret.findings import find_motifs, open_database, write_findings
from bioseq_dl.interpret.outputs import Output
from bioseq_dl.interpret.subjects import Subject
from bioseq_dl.models.sequence import SequenceModel
from bioseq_dl.train.checkpoint import Checkpoint, restore_model

_CHEAPEST_FIRST = ("deeplift", "mutagenesis", "integrated_gradients")


def search_motifs(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    outputs: Sequence[Output],
    out: Path,
    *,
    subjects: Sequence[Subject] = (),
    pool: Pool | None = None,
    database: Path | None = None,
    device: torch.device | None = None,
    threads: int = 1,
    log: Log | None = None,
) -> list[dict[str, Any]]:
    """Search the attributions of many sequences for motifs, and match them with known ones.

    Of a pool, the records of ``settings.role`` with the highest scores of an output; without
    one, the other sequences, as they are. By the cheapest of ``settings.methods``. The
    filters of the first model are searched once, on the first output's sequences.

    Writes ``motifs.tsv``, ``motifs.meme`` and ``motifs.json`` into the folder, or, with several
    outputs, into a folder for each below it.

    Returns
    -------
    list of dict
        For ``explain.json``: of each output ``target``, ``folder``, ``method``, ``sequences``.

    Raises
    ------
    InputError
        Where the database cannot be read.
    """
    assert settings.motifs is not None
    known = open_database(settings.motifs, database)
    device = device or torch.device("cpu")
    method = next(name for name in _CHEAPEST_FIRST if name in settings.methods)
    found = []
    chosen: list[tuple[Output, Sequence[Subject]]] = [(output, subjects) for output in outputs]
    if pool is not None:
        count = settings.motifs.records
        ranked = choose_records(settings, checkpoints, outputs, pool, device, count)
        chosen = [(output, records) for output, records, _ in ranked]
    for number, (output, sequences) in enumerate(chosen):
        model = restore_model(checkpoints[0]).to(device) if number == 0 else None
        assert model is None or isinstance(model, SequenceModel)
        codes, contributions = _attribute(settings, checkpoints, output, sequences, method, device)
        findings = find_motifs(
            codes,
            contributions,
            settings.motifs,
            known,
            model,
            checkpoints[0].unknown,
            threads,
        )
        name = "" if len(chosen) == 1 else re.sub(r"[^A-Za-z0-9_.-]", "_", output.name)
        write_findings(out / name, findings, settings.motifs.q_value)
        found.append(
            {
                "target": output.name,
                "folder": name,
                "method": method,
                "sequences": len(sequences),
                "motifs": len(findings.motifs),
            }
        )
        if log is not None:
            log(f"{len(findings.motifs)} motifs of {len(sequences)} sequences for {output.name}")
    return found


def _attribute(
    settings: Explain,
    checkpoints: Sequence[Checkpoint],
    output: Output,
    sequences: Sequence[Subject],
    method: str,
    device: torch.device,
) -> tuple[Codes, npt.NDArray[np.float32]]:
    """Give sequences and hypothetical contributions, padded on the right to one length."""
    longest = max((len(subject.codes) for subject in sequences), default=0)
    codes = np.full((len(sequences), longest), DNA.unknown_code, np.uint8)
    contributions = np.zeros((len(sequences), longest, len(DNA.letters)), np.float32)
    row = 0
    for part in divide(sequences, (output,)):
        found = explain_part(settings, checkpoints, part, method, device)
        count, length = found.codes.shape
        codes[row : row + count, :length] = found.codes
        contributions[row : row + count, :length] = found.hypothetical[..., 0]
        row += count
    return codes, contributions
