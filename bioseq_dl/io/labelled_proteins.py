"""Proteins with a label for each residue: the record, its check, and what is dropped.

Residues that the experiment did not resolve get X whatever letter stands there, so that no model
learns them as coil.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.records import Reject
from bioseq_dl.io.secondary_structure import ALLOWED, NO_LABEL, SPELLINGS, reduce_states

LONGEST = 5_000
"""Residues of the longest protein that is kept."""

NUCLEOTIDES_ENOUGH = 50
"""Letters in all from which sequences of A, C, G, T, U and N alone are nucleotides: a protein of
so many residues has others too."""

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
_RESIDUES = {letter: letter for letter in AMINO_ACIDS + "X"}
# Selenocysteine and pyrrolysine by the residue that they replace; codes of several residues.
_RESIDUES |= {"U": "C", "O": "K", "B": "X", "Z": "X", "J": "X"}
_TRUE, _FALSE = "1", "0"
_MASK = "1 and 0, as many as residues"

EMPTY = "empty sequence"
TOO_LONG = "longer than max_length"
BAD_RESIDUE = "letter outside the alphabet"
OTHER_LENGTH = "labels and sequence differ in length"
BAD_LABEL = "letter that is no state"
BAD_MASK = "mask that is not of 0 and 1"
NO_LABELS = "no residue has a label"
NO_HEAD = "no residue has a label of these targets"
DISAGREE = "q3 and q8 contradict each other"
MOST_DISAGREEMENT = 0.1
"""Share of residues in which q3 may differ from what follows from q8: two versions of DSSP, or
two chains of one sequence, differ in up to 3 %; above 10 % the strings belong to two proteins."""


class Fault(NamedTuple):
    """Why a protein cannot be used: reason, 1-based residue or 0, what was found, allowed."""

    reason: str
    position: int
    found: str
    allowed: str | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelledProtein:
    """A protein with a label for each of its n residues.

    Parameters
    ----------
    id, sequence : str
        Sequence of the 20 amino acids and X.
    q8, q3 : str (n,), optional
        Over `Q8` or `Q3` and `NO_LABEL`; None where unknown as a whole.
    resolved : ndarray of bool (n,), optional
        False: the residue has no coordinates (the disorder label). None: not known.
    scored : ndarray of bool (n,), optional
        Residues that a published benchmark counts, where it leaves some out.
    rsa : ndarray of float32 (n,), optional
        Relative solvent accessibility, a share of the residue's greatest; NaN is unknown.
    phi, psi : ndarray of float32 (n,), optional
        Backbone torsions in radians, between -pi and pi; NaN is unknown.
    split : str, optional
        Official fold: train, val, test.
    source : str
        File that it came from.
    place : str
        Where in it, in words, such as ``row 3``.
    """

    id: str
    sequence: str
    q8: str | None = None
    q3: str | None = None
    resolved: NDArray[np.bool_] | None = None
    scored: NDArray[np.bool_] | None = None
    rsa: NDArray[np.float32] | None = None
    phi: NDArray[np.float32] | None = None
    psi: NDArray[np.float32] | None = None
    split: str | None = None
    source: str = ""
    place: str = ""


@dataclass(frozen=True)
class LabelledProteins:
    """What a reader found: proteins, and what was dropped with its reason."""

    proteins: tuple[LabelledProtein, ...]
    rejects: tuple[Reject, ...]

    @property
    def reasons(self) -> dict[str, int]:
        """Rejected proteins by reason."""
        return dict(Counter(reject.reason for reject in self.rejects))


def make_protein(
    *,
    name: str,
    sequence: str,
    q8: str | None = None,
    q3: str | None = None,
    resolved: str | None = None,
    scored: str | None = None,
    split: str | None = None,
    source: str = "",
    place: str = "",
    reduction: str = "standard",
    max_length: int = LONGEST,
) -> LabelledProtein | Fault:
    """Check and normalise a protein as text, or say why it cannot be used.

    Letters become upper case, states and residues their own spelling, unresolved residues X;
    `q3` is made of `q8` where it is not given. A label of no letters counts as none. A protein
    needs a label of any kind: `resolved` is one, and which are learnt from is not decided here.

    Parameters
    ----------
    name : str
        The protein's id.
    sequence, split, source, place : str
    q8, q3, resolved, scored : str, optional
        Labels; masks of 0 and 1; all as long as the sequence.
    reduction : str
        How `q3` follows from `q8`. Given labels of both kinds stay as they are; where they
        differ in more than `MOST_DISAGREEMENT` of the residues it is a fault.
    max_length : int
        Longest protein to keep.
    """
    clean, fault = _read_sequence(sequence, max_length)
    if fault is not None:
        return fault
    masks: dict[str, NDArray[np.bool_] | None] = {"resolved": None, "scored": None}
    for mask, text in (("resolved", resolved), ("scored", scored)):
        if text:
            fault = _find_mask_fault(text, len(clean), mask)
            if fault is not None:
                return fault
            masks[mask] = np.frombuffer(text.encode("ascii"), np.uint8) == ord(_TRUE)
    labels: dict[str, str | None] = {"q8": None, "q3": None}
    for kind, given in (("q8", q8), ("q3", q3)):
        if given:
            fault = _find_label_fault(given, kind, len(clean))
            if fault is not None:
                return fault
            labels[kind] = _hide(_spell(given, kind), masks["resolved"])
    if labels["q8"] is not None:
        reduced = reduce_states(labels["q8"], reduction)
        if labels["q3"] is None:
            labels["q3"] = reduced
        else:
            fault = _find_disagreement(labels["q8"], labels["q3"], reduced)
            if fault is not None:
                return fault
    if masks["resolved"] is None and set(labels["q3"] or NO_LABEL) == {NO_LABEL}:
        return Fault(NO_LABELS, 0, "")
    return LabelledProtein(
        id=name,
        sequence=clean,
        q8=labels["q8"],
        q3=labels["q3"],
        resolved=masks["resolved"],
        scored=masks["scored"],
        split=split,
        source=source,
        place=place,
    )


def check_protein(
    found: LabelledProtein | Fault, *, file: str | Path, record: str
) -> LabelledProtein:
    """Give the protein.

    Raises
    ------
    InputError
        Where it is a `Fault`: naming file, record, residue, what was found and is allowed.
    """
    if isinstance(found, Fault):
        raise InputError(
            found.reason,
            file=file,
            record=record,
            position=f"residue {found.position}" if found.position else None,
            found=found.found or None,
            allowed=found.allowed,
        )
    return found


def gather_proteins(
    found: Iterable[tuple[str, LabelledProtein | Fault]],
    file: str | Path,
    *,
    strict: bool = False,
) -> LabelledProteins:
    """Part proteins from faults.

    Parameters
    ----------
    found : iterable of (str, LabelledProtein or Fault)
        Record's name in the file, and what became of it.
    file : path
    strict : bool
        Stop at the first fault.

    Raises
    ------
    InputError
        With `strict`, at the first fault; where no protein is left, with the first reason.
    """
    proteins: list[LabelledProtein] = []
    rejects: list[Reject] = []
    faults: list[tuple[str, Fault]] = []
    for record, protein in found:
        if isinstance(protein, Fault):
            if strict:
                check_protein(protein, file=file, record=record)
            faults.append((record, protein))
            place = f"residue {protein.position}" if protein.position else ""
            rejects.append(Reject(str(file), record, place, protein.reason, protein.found))
        else:
            proteins.append(protein)
    if not proteins and faults:
        check_protein(faults[0][1], file=file, record=faults[0][0])
    if not proteins:
        raise InputError("the file has no protein", file=file)
    return LabelledProteins(tuple(proteins), tuple(rejects))


def read_residues(sequence: str) -> str:
    """Spell a sequence in the 20 amino acids and X.

    Lower case is raised; U (selenocysteine) is C, O (pyrrolysine) K; B, Z and J are X; white
    space and a stop (``*``) at the end are dropped. Other letters stay: `make_protein` finds
    them.
    """
    letters = "".join(sequence.split()).upper().removesuffix("*")
    return "".join(_RESIDUES.get(letter, letter) for letter in letters)


def _read_sequence(sequence: str, longest: int) -> tuple[str, Fault | None]:
    letters = read_residues(sequence)
    if not letters:
        return "", Fault(EMPTY, 0, "")
    if len(letters) > longest:
        return "", Fault(TOO_LONG, 0, f"{len(letters)} residues", f"up to {longest}")
    place = _first_other(letters, _RESIDUES)
    if place >= 0:
        allowed = "the 20 amino acids, X, and U, O, B, Z, J"
        return "", Fault(BAD_RESIDUE, place + 1, letters[place], allowed)
    return letters, None


def _find_mask_fault(text: str, length: int, name: str) -> Fault | None:
    if len(text) != length:
        return Fault(OTHER_LENGTH, 0, f"{length} residues, {len(text)} of {name}", _MASK)
    place = _first_other(text, (_TRUE, _FALSE))
    if place >= 0:
        return Fault(BAD_MASK, place + 1, text[place], _MASK)
    return None


def _find_label_fault(text: str, name: str, length: int) -> Fault | None:
    if len(text) != length:
        return Fault(OTHER_LENGTH, 0, f"{length} residues, {len(text)} of {name}")
    place = _first_other(text.upper(), SPELLINGS[name])
    if place >= 0:
        return Fault(BAD_LABEL, place + 1, text[place], ALLOWED[name])
    return None


def _find_disagreement(q8: str, q3: str, reduced: str) -> Fault | None:
    # A residue may have a label in one string alone.
    differ = [
        place
        for place, (given, expected) in enumerate(zip(q3, reduced, strict=True))
        if NO_LABEL not in (given, expected) and given != expected
    ]
    if len(differ) <= MOST_DISAGREEMENT * len(q3):
        return None
    first = differ[0]
    found = f"q8 {q8[first]}, q3 {q3[first]}; {len(differ)} of {len(q3)} residues differ"
    return Fault(DISAGREE, first + 1, found, "HGI as H, EB as E, others as C")


def _spell(text: str, name: str) -> str:
    table = SPELLINGS[name]
    return "".join(table[letter] for letter in text.upper())


def _hide(labels: str, resolved: NDArray[np.bool_] | None) -> str:
    if resolved is None or resolved.all():
        return labels
    return "".join(
        letter if known else NO_LABEL for letter, known in zip(labels, resolved, strict=True)
    )


def _first_other(text: str, allowed: Mapping[str, str] | Sequence[str]) -> int:
    if set(text) <= set(allowed):
        return -1
    return next(place for place, letter in enumerate(text) if letter not in allowed)
