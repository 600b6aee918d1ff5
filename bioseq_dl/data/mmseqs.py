"""Search proteins with MMseqs2 (Steinegger & Söding 2017, Nat Biotechnol 35:1026)."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.programs import find_program

Program = Literal["auto", "mmseqs", "builtin"]
SENSITIVITY = "7.5"
"""Of MMseqs2 (``-s``): its most sensitive."""
_COLUMNS = ("query", "target", "fident", "qstart", "qend", "tstart", "tend", "evalue")


def find_mmseqs(program: Program = "auto") -> str | None:
    """Give the path of ``mmseqs``; None where it is not to be used.

    Raises
    ------
    InputError
        Where it is asked for and not installed.
    """
    return find_program("mmseqs", program, "mmseqs2 (bioconda or your system's package)")


def name_program(program: str | None) -> str:
    """Give what is written down of the program: ``mmseqs`` and its version, or ``builtin``."""
    if program is None:
        return "builtin"
    done = subprocess.run([program, "version"], capture_output=True, text=True, check=False)
    return f"mmseqs {done.stdout.strip()}" if done.returncode == 0 else "mmseqs"


def search_mmseqs(
    program: str,
    sequences: Sequence[str],
    asked: NDArray[np.bool_],
    evalue: float,
    threads: int,
) -> tuple[list[tuple[float, ...]], int]:
    """Search all sequences for those that are asked for, with ``easy-search``.

    Parameters
    ----------
    program : str
        Path of ``mmseqs``.
    sequences : sequence of str
    asked : ndarray of bool (n,)
        Queries.
    evalue : float
        Greatest one.
    threads : int

    Returns
    -------
    rows : list of tuple
        (one, two, E-value, identity, coverage of one, of two) with ``one < two``; a pair of two
        queries may stand there twice.
    hits : int
        Hits that MMseqs2 reported.

    Raises
    ------
    InputError
        Where MMseqs2 fails.
    """
    # Empty sequences would stop MMseqs2, and can have no hit.
    whole = np.array([bool(text) for text in sequences], np.bool_)
    if not (asked & whole).any():
        return [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, some in (("queries.fasta", asked & whole), ("targets.fasta", whole)):
            lines = (f">{place}\n{sequences[place]}\n" for place in np.flatnonzero(some).tolist())
            (folder / file).write_text("".join(lines), encoding="ascii")
        out = folder / "hits.tsv"
        command = [program, "easy-search", "queries.fasta", "targets.fasta", out.name, "work"]
        # No limit of hits: the rest of a large family would be a leak that nobody saw.
        command += ["-s", SENSITIVITY, "-e", f"{evalue:g}", "--max-seqs", str(len(sequences))]
        command += ["--alignment-mode", "3", "--seq-id-mode", "0", "--threads", str(threads)]
        command += ["--format-output", ",".join(_COLUMNS), "-v", "1"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise InputError(
                f"mmseqs failed with code {done.returncode}",
                found="".join(last) or None,
                fix="set program: builtin",
            )
        if not out.exists() or out.stat().st_size == 0:
            return [], 0
        types = dict.fromkeys(("fident", "evalue"), pa.float64())
        table = pv.read_csv(
            out,
            read_options=pv.ReadOptions(column_names=list(_COLUMNS)),
            parse_options=pv.ParseOptions(delimiter="\t"),
            convert_options=pv.ConvertOptions(column_types=types),
        )
    rows: list[tuple[float, ...]] = []
    for query, target, same, start, end, first, last, expected in zip(
        *(table.column(name).to_pylist() for name in _COLUMNS), strict=True
    ):
        shares = (
            (end - start + 1) / len(sequences[query]),
            (last - first + 1) / len(sequences[target]),
        )
        if query < target:
            rows.append((query, target, expected, same, *shares))
        elif target < query:
            rows.append((target, query, expected, same, *shares[::-1]))
    return rows, table.num_rows
