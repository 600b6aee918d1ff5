"""Predictions for each residue as files: a table, and the two formats of PSIPRED.

The formats are those that PSIPRED 4's second stage writes (``sspred_hmulti.c``: VFORMAT with
``%4d %c %c  %6.3f %6.3f %6.3f``, HFORMAT in blocks of 60), so that what reads PSIPRED's files reads
these. Probabilities of a softmax stand where PSIPRED has the outputs of its network. Its filter of
single residues is not applied: the state is the most probable one, so that all files agree.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.io.atomic import atomic_path, write_text
from bioseq_dl.io.secondary_structure import Q3, Q8, decode_states, reduce_states

_CHE = "CHE"
"""PSIPRED's order of columns, with which it also breaks ties."""
_WIDTH = 60


@dataclass(frozen=True, kw_only=True, eq=False)
class PredictedProtein:
    """What a model says of a protein of n residues.

    PSIPRED's formats and pictures need `q8` or `q3`.

    Parameters
    ----------
    id, sequence : str
    q8 : ndarray of float (n, 8), optional
        Probabilities in the order of `bioseq_dl.io.secondary_structure.Q8`.
    q3 : ndarray of float (n, 3), optional
        Probabilities in the order H, E, C.
    disorder : ndarray of float (n,), optional
        Probability that the residue is not resolved.
    rsa : ndarray of float (n,), optional
        Relative accessibility.
    phi, psi : ndarray of float (n,), optional
        Radians.
    """

    id: str
    sequence: str
    q8: NDArray[np.floating] | None = None
    q3: NDArray[np.floating] | None = None
    disorder: NDArray[np.floating] | None = None
    rsa: NDArray[np.floating] | None = None
    phi: NDArray[np.floating] | None = None
    psi: NDArray[np.floating] | None = None


def get_three(protein: PredictedProtein, reduction: str = "standard") -> NDArray[np.floating]:
    """Give probabilities of H, E, C: those predicted, else sums of the eight; shape (n, 3).

    Raises
    ------
    ValueError
        Where the protein has neither, or an array of another shape.
    """
    if protein.q3 is not None:
        return _check_shape(protein, protein.q3, 3)
    if protein.q8 is None:
        raise ValueError(f"{protein.id} has no probabilities of states")
    eight = _check_shape(protein, protein.q8, 8)
    targets = np.array([Q3.index(state) for state in reduce_states(Q8, reduction)])
    sums = [eight[:, targets == code].sum(axis=1) for code in range(3)]
    return np.stack(sums, axis=1)


def call_states(probabilities: NDArray[np.floating], states: str) -> str:
    """Give the most probable state of each residue; of equal ones the first in `states`."""
    return decode_states(probabilities.argmax(axis=1), states)


def format_ss2(protein: PredictedProtein, program: str = "bioseq_dl") -> str:
    """Give PSIPRED's vertical format (``.ss2``): number, residue, state, P(C), P(H), P(E).

    Parameters
    ----------
    protein : PredictedProtein
    program : str
        Named in the first line.
    """
    three = _order(get_three(protein))
    states = call_states(three, _CHE)
    lines = [f"# PSIPRED VFORMAT ({program})", ""]
    lines += [
        f"{number:4d} {residue} {state}  {c:6.3f} {h:6.3f} {e:6.3f}"
        for number, (residue, state, (c, h, e)) in enumerate(
            zip(protein.sequence, states, three.tolist(), strict=True), 1
        )
    ]
    return "\n".join(lines) + "\n"


def format_horiz(protein: PredictedProtein, program: str = "bioseq_dl") -> str:
    """Give PSIPRED's horizontal format (``.horiz``): confidence 0 to 9, state, residue, number.

    The confidence is PSIPRED's: the greatest probability less the second, times 10, cut to a
    digit (``2 max - sum + min`` of the three).
    """
    three = _order(get_three(protein))
    states = call_states(three, _CHE)
    margin = 2 * three.max(axis=1) - three.sum(axis=1) + three.min(axis=1)
    # Ten times .7 is 6.9999…, and PSIPRED's single precision would say 7.
    digits = np.clip(np.floor(margin.astype(np.float64) * 10 + 1e-6), 0, 9).astype(int)
    confidence = "".join(map(str, digits.tolist()))
    lines = [f"# PSIPRED HFORMAT ({program})"]
    for start in range(0, len(states), _WIDTH):
        end = min(start + _WIDTH, len(states))
        # Numbers end below the residue that they count.
        ruler = "".join(f"{number:10d}" for number in range(start + 10, end + 1, 10))
        lines += [
            "",
            f"Conf: {confidence[start:end]}",
            f"Pred: {states[start:end]}",
            f"  AA: {protein.sequence[start:end]}",
            f"      {ruler}".rstrip(),
            "",
        ]
    return "\n".join(lines) + "\n"


def write_ss2(path: str | Path, protein: PredictedProtein, program: str = "bioseq_dl") -> None:
    """Write one protein as ``.ss2``.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    write_text(path, format_ss2(protein, program))


def write_horiz(path: str | Path, protein: PredictedProtein, program: str = "bioseq_dl") -> None:
    """Write one protein as ``.horiz``.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    write_text(path, format_horiz(protein, program))


def write_residues(path: str | Path, proteins: Iterable[PredictedProtein]) -> None:
    """Write a TSV with a row for each residue of all proteins.

    Columns: ``id``, ``position`` (from 1), ``residue``, ``q3``, ``q8``, then probabilities
    ``q3:H`` … and ``q8:G`` …, ``disorder``, ``rsa`` and ``phi``, ``psi`` in degrees; cells of what
    is not predicted are empty.

    Parameters
    ----------
    path : path
    proteins : iterable of PredictedProtein
        One at a time is held.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        columns = ["id", "position", "residue", "q3", "q8"]
        columns += [f"q3:{state}" for state in Q3] + [f"q8:{state}" for state in Q8]
        writer.writerow([*columns, "disorder", "rsa", "phi", "psi"])
        for protein in proteins:
            out.write(_format_rows(protein))


def _format_rows(protein: PredictedProtein) -> str:
    n = len(protein.sequence)
    three = None if protein.q3 is None and protein.q8 is None else get_three(protein)
    columns: list[list[str]] = [
        [protein.id] * n,
        [str(position) for position in range(1, n + 1)],
        list(protein.sequence),
        [""] * n if three is None else list(call_states(_order(three), _CHE)),
        [""] * n if protein.q8 is None else list(call_states(protein.q8, Q8)),
        *(_format_column(None if three is None else three[:, code], n, 4) for code in range(3)),
        *(
            _format_column(None if protein.q8 is None else protein.q8[:, code], n, 4)
            for code in range(8)
        ),
        _format_column(protein.disorder, n, 4),
        _format_column(protein.rsa, n, 4),
        _format_column(None if protein.phi is None else np.degrees(protein.phi), n, 1),
        _format_column(None if protein.psi is None else np.degrees(protein.psi), n, 1),
    ]
    text = io.StringIO()
    csv.writer(text, delimiter="\t", lineterminator="\n").writerows(zip(*columns, strict=True))
    return text.getvalue()


def _format_column(values: NDArray[np.floating] | None, n: int, digits: int) -> list[str]:
    if values is None:
        return [""] * n
    return ["" if np.isnan(value) else f"{value:.{digits}f}" for value in values.tolist()]


def _order(three: NDArray[np.floating]) -> NDArray[np.floating]:
    return three[:, [Q3.index(state) for state in _CHE]]


def _check_shape(
    protein: PredictedProtein, values: NDArray[np.floating], states: int
) -> NDArray[np.floating]:
    if values.shape != (len(protein.sequence), states):
        raise ValueError(
            f"{protein.id}: probabilities of shape {values.shape} for "
            f"{len(protein.sequence)} residues and {states} states"
        )
    return values
