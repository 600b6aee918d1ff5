"""All motifs of a model, matched, and the files they are written to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Motifs
from bioseq_dl.interpret.clusters import find_seqlet_motifs
from bioseq_dl.interpret.database import MotifDatabase, load_jaspar, read_motifs
from bioseq_dl.interpret.filters import find_filter_motifs
from bioseq_dl.interpret.matches import Match, match_motifs
from bioseq_dl.interpret.motif import LETTERS, Motif
from bioseq_dl.io.atomic import write_json, write_text
from bioseq_dl.models.sequence import SequenceModel

COLUMNS = (
    "motif", "kind", "consensus", "length", "information", "sites",
    "rank", "match", "match_name", "family", "p", "q", "offset", "overlap", "strand", "called",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class MotifFindings:
    """Motifs with their matches."""

    motifs: tuple[Motif, ...]
    """From seqlets by sites, then from filters by their best match."""
    matches: tuple[tuple[Match, ...], ...]
    """Of each motif, best first."""
    silent_filters: int
    """Filters of the first layer that never activate, or always alike."""
    vague_filters: int
    """Filters whose sites are few or have little in common."""
    database: str
    """What was matched with."""
    notes: tuple[str, ...]
    """What a reader should know."""


def open_database(settings: Motifs, path: str | Path | None) -> MotifDatabase:
    """Read the user's motifs where there is a file, else the release of JASPAR.

    Raises
    ------
    InputError
        As `load_jaspar` and `read_motifs`.
    """
    if path is not None:
        return read_motifs(path)
    return load_jaspar(settings.release, settings.collection, settings.taxa)


def find_motifs(
    codes: NDArray[np.uint8],
    contributions: NDArray[np.float32],
    settings: Motifs,
    database: MotifDatabase,
    model: SequenceModel | None = None,
    unknown: str = "zeros",
    threads: int = 1,
) -> MotifFindings:
    """Find the motifs that a model has learnt and match them with known ones.

    Parameters
    ----------
    codes : uint8 (n, length)
        Sequences: A C G T = 0 1 2 3, unknown 4.
    contributions : float32 (n, length, 4) or (n, length)
        As in `find_seqlet_motifs`.
    settings : Motifs
        The section of the config.
    database : MotifDatabase
        Known motifs.
    model : SequenceModel, optional
        Whose filters are looked at as well, on the same sequences.
    unknown : str
        How unknown letters are encoded for the model.
    threads : int
        Of the comparison.
    """
    seqlets = find_seqlet_motifs(codes, contributions, settings.min_sites)
    filters: tuple[Motif, ...] = ()
    silent = vague = 0
    if model is not None:
        found = find_filter_motifs(model, codes, unknown)
        filters, silent, vague = found.motifs, len(found.silent), len(found.vague)
    of_seqlets = match_motifs(seqlets, database, settings.top, threads)
    of_filters = match_motifs(filters, database, settings.top, threads)
    order = sorted(
        range(len(filters)),
        key=lambda place: (of_filters[place][0].p if of_filters[place] else 1.0, place),
    )
    return MotifFindings(
        motifs=(*seqlets, *(filters[place] for place in order)),
        matches=(*of_seqlets, *(of_filters[place] for place in order)),
        silent_filters=silent,
        vague_filters=vague,
        database=database.name,
        notes=database.notes,
    )


def write_findings(folder: str | Path, findings: MotifFindings, q_value: float) -> None:
    """Write ``motifs.tsv``, ``motifs.meme`` and ``motifs.json``; equal findings, equal bytes.

    The table has a row for each match, `top` of each motif whatever its q; `called` is 1
    where q is at most `q_value`. The JSON holds the matrices too, of the known motifs as
    well, so that a picture needs no database.
    """
    folder = Path(folder)
    write_text(folder / "motifs.tsv", tabulate(findings, q_value))
    write_text(folder / "motifs.meme", spell_meme(findings.motifs))
    write_json(folder / "motifs.json", describe(findings, q_value))


def tabulate(findings: MotifFindings, q_value: float) -> str:
    """Give the table as text; a motif without a match has one row with empty cells."""
    lines = ["\t".join(COLUMNS)]
    for motif, matches in zip(findings.motifs, findings.matches, strict=True):
        start = [
            motif.name, motif.kind, motif.consensus, f"{motif.length}",
            f"{motif.information:.2f}", f"{motif.sites}",
        ]  # fmt: skip
        if not matches:
            lines.append("\t".join(start + [""] * (len(COLUMNS) - len(start))))
        for rank, match in enumerate(matches, 1):
            known = match.known
            cells = [
                f"{rank}", known.id, known.name, known.family, f"{match.p:.3g}",
                f"{match.q:.3g}", f"{match.offset}", f"{match.overlap}", match.strand,
                f"{int(match.q <= q_value)}",
            ]  # fmt: skip
            lines.append("\t".join(start + [cell.replace("\t", " ") for cell in cells]))
    return "\n".join(lines) + "\n"


def spell_meme(motifs: Sequence[Motif]) -> str:
    """Spell motifs in MEME's minimal text format (meme-suite.org, "MEME motif format")."""
    parts = [
        "MEME version 4\n\nALPHABET= ACGT\n\nstrands: + -\n\n"
        "Background letter frequencies\nA 0.25 C 0.25 G 0.25 T 0.25\n"
    ]
    for motif in motifs:
        rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in motif.pwm)
        parts.append(
            f"MOTIF {motif.name} {motif.consensus}\n"
            f"letter-probability matrix: alength= {len(LETTERS)} w= {motif.length} "
            f"nsites= {motif.sites} E= 0\n{rows}\n"
        )
    return "\n".join(parts)


def describe(findings: MotifFindings, q_value: float) -> dict[str, Any]:
    """Give all of it as JSON, numbers rounded to six places."""
    motifs = []
    for motif, matches in zip(findings.motifs, findings.matches, strict=True):
        given = motif.contributions
        motifs.append(
            {
                "name": motif.name,
                "kind": motif.kind,
                "consensus": motif.consensus,
                "information": round(motif.information, 6),
                "sites": motif.sites,
                "pwm": _round(motif.pwm),
                "contributions": None if given is None else _round(given),
                "matches": [
                    {
                        "id": match.known.id,
                        "name": match.known.name,
                        "family": match.known.family,
                        "p": match.p,
                        "q": match.q,
                        "offset": match.offset,
                        "overlap": match.overlap,
                        "strand": match.strand,
                        "called": match.q <= q_value,
                        "pwm": _round(match.known.pwm),
                    }
                    for match in matches
                ],
            }
        )
    return {
        "motifs": motifs,
        "silent_filters": findings.silent_filters,
        "vague_filters": findings.vague_filters,
        "database": findings.database,
        "notes": list(findings.notes),
        "q_value": q_value,
    }


def _round(values: NDArray[np.float64]) -> list[list[float]]:
    rounded: list[list[float]] = np.round(values, 6).tolist()
    return rounded
