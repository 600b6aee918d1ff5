"""Protein chains of a PDB or mmCIF file, each residue of the sequence with its coordinates, if any.

The sequence is that of SEQRES (PDB) or ``_pdbx_poly_seq_scheme`` / ``_entity_poly_seq`` (mmCIF),
so that residues which the experiment did not resolve are there, without coordinates. First model
only; of alternative locations the one of the highest occupancy.

Residues other than the 20 become the amino acid that the wwPDB's chemical component dictionary
names as their parent (Biopython's ``protein_letters_3to1_extended``: MSE is M, SEP S, TPO T, PTR Y,
HYP P, CSO C, MLY K, PCA Q, KCX K …), selenocysteine (SEC) C and pyrrolysine (PYL) K; one without a
parent is X.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from Bio.Align import PairwiseAligner
from Bio.Data.PDBData import protein_letters_3to1_extended
from Bio.PDB.MMCIF2Dict import MMCIF2Dict
from Bio.PDB.MMCIFParser import MMCIFParser
from Bio.PDB.PDBExceptions import PDBConstructionException, PDBConstructionWarning
from Bio.PDB.PDBParser import PDBParser
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import open_text

BACKBONE = ("N", "CA", "C", "O")
LONGEST_BOND = 2.5
"""Greatest distance C to the next N, in angstrom, that is a peptide bond; DSSP's own limit."""
_LETTERS: Mapping[str, str] = {
    name.strip(): letter for name, letter in protein_letters_3to1_extended.items()
} | {"SEC": "C", "PYL": "K", "ASX": "X", "GLX": "X", "XLE": "X", "UNK": "X"}
_NUCLEOTIDES = frozenset(("A", "C", "G", "U", "I", "N", "DA", "DC", "DG", "DT", "DU", "DI", "DN"))
_WATER = frozenset({"HOH", "DOD", "WAT"})


class ResidueKey(NamedTuple):
    """A residue's number in the file (author's), and its insertion code or a space."""

    number: int
    insertion: str


@dataclass(frozen=True, eq=False)
class Chain:
    """A protein chain of n residues.

    Parameters
    ----------
    id : str
        The author's chain id.
    sequence : str
        The 20 amino acids and X.
    keys : tuple of ResidueKey or None (n,)
        None where the residue is not resolved.
    residues : tuple (n,)
        Biopython's residues, or None.
    backbone : ndarray of float64 (n, 4, 3)
        N, CA, C, O in angstrom; NaN where there is no such atom.
    complete : bool
        Whether the file says what the whole sequence is. If not, the sequence is that of the
        residues with coordinates, and nothing is known of others.
    """

    id: str
    sequence: str
    keys: tuple[ResidueKey | None, ...]
    residues: tuple[Any, ...]
    backbone: NDArray[np.float64]
    complete: bool

    @property
    def resolved(self) -> NDArray[np.bool_]:
        """Which residues have coordinates of their CA; shape (n,)."""
        found: NDArray[np.bool_] = np.isfinite(self.backbone[:, 1, 0])
        return found


def is_mmcif(path: str | Path) -> bool:
    """Tell mmCIF from PDB by the first line that says something, not by the name.

    Raises
    ------
    InputError
        What `open_text` raises; a file of neither kind.
    """
    with open_text(path) as handle:
        first = ""
        for line in handle:
            if line.strip() and not line.startswith("#"):
                first = first or line
                if line.startswith(("data_", "loop_", "_")):
                    return True
                if line.startswith(("ATOM  ", "HETATM", "SEQRES", "MODEL ")):
                    return False
    raise InputError(
        "neither a PDB nor an mmCIF file: no ATOM line and no data_ block",
        file=path,
        found=first.strip(),
        allowed="PDB or mmCIF, plain or compressed",
    )


def read_structure(path: str | Path) -> tuple[Chain, ...]:
    """Read the protein chains of the first model, in the file's order.

    Parameters
    ----------
    path : path
        PDB or mmCIF, plain or compressed.

    Raises
    ------
    InputError
        What `open_text` raises; a file of neither kind, a damaged one, one without a protein
        chain; coordinates that contradict the stated sequence.
    """
    model, stated = _parse(path)
    chains = []
    for chain in model:
        known = stated.get(chain.id)
        residues = [residue for residue in chain if _is_amino_acid(residue, known)]
        if not residues:
            continue
        chains.append(_make_chain(chain.id, residues, known, path))
    if not chains:
        found = ", ".join(f"{chain.id} ({len(chain)} residues)" for chain in model) or None
        raise InputError("the file has no protein chain", file=path, found=found)
    return tuple(chains)


def name_letter(name: str) -> str:
    """Give the amino acid of a residue's name in the file: MSE is M; X where there is none."""
    return _LETTERS.get(name.strip().upper(), "X")


def _parse(path: str | Path) -> tuple[Any, dict[str, list[str]]]:
    """Give Biopython's first model, and the residue names of each chain's whole sequence."""
    mmcif = is_mmcif(path)
    with open_text(path) as handle, warnings.catch_warnings():
        warnings.simplefilter("ignore", PDBConstructionWarning)
        parser: Any = MMCIFParser(QUIET=True) if mmcif else PDBParser(QUIET=True)  # type: ignore[no-untyped-call]
        try:
            structure = parser.get_structure("structure", handle)
        except (PDBConstructionException, ValueError, KeyError, IndexError) as error:
            raise InputError(
                f"the file cannot be read as {'mmCIF' if mmcif else 'PDB'}: {error}",
                file=path,
                fix="download it again, or open and save it with a structure viewer",
            ) from None
    models = list(structure)
    if not models:
        raise InputError("the file has no atoms", file=path)
    return models[0], (_read_mmcif_sequences(path) if mmcif else _read_seqres(path))


def _read_seqres(path: str | Path) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {}
    with open_text(path) as handle:
        for line in handle:
            if line.startswith("SEQRES"):
                names.setdefault(line[11:12], []).extend(line[19:70].split())
    return {chain: found for chain, found in names.items() if not _are_nucleotides(found)}


def _read_mmcif_sequences(path: str | Path) -> dict[str, list[str]]:
    with open_text(path) as handle:
        table = MMCIF2Dict(handle)  # type: ignore[no-untyped-call]
    names: dict[str, list[str]] = {}
    if "_pdbx_poly_seq_scheme.mon_id" in table:
        seen: set[tuple[str, str]] = set()
        for chain, place, name in zip(
            table["_pdbx_poly_seq_scheme.pdb_strand_id"],
            table["_pdbx_poly_seq_scheme.seq_id"],
            table["_pdbx_poly_seq_scheme.mon_id"],
            strict=True,
        ):
            # A place with two residues in the crystal stands in two rows; the first counts.
            if (chain, place) not in seen:
                seen.add((chain, place))
                names.setdefault(chain, []).append(name)
    elif "_entity_poly_seq.mon_id" in table and "_entity_poly.pdbx_strand_id" in table:
        entities: dict[str, dict[str, str]] = {}
        for entity, place, name in zip(
            table["_entity_poly_seq.entity_id"],
            table["_entity_poly_seq.num"],
            table["_entity_poly_seq.mon_id"],
            strict=True,
        ):
            entities.setdefault(entity, {}).setdefault(place, name)
        for entity, chains in zip(
            table["_entity_poly.entity_id"], table["_entity_poly.pdbx_strand_id"], strict=True
        ):
            for chain in chains.split(","):
                names[chain.strip()] = list(entities.get(entity, {}).values())
    return {chain: found for chain, found in names.items() if found and not _are_nucleotides(found)}


def _are_nucleotides(names: Sequence[str]) -> bool:
    return sum(name in _NUCLEOTIDES for name in names) > len(names) / 2


def _is_amino_acid(residue: Any, stated: Sequence[str] | None) -> bool:
    """Tell a residue of the chain from a ligand, water or a nucleotide."""
    name = residue.resname.strip()
    if name in _WATER or name in _NUCLEOTIDES or "CA" not in residue:
        return False
    if residue.id[0] == " ":
        return True
    # A HETATM: a modified residue of the chain, or a free amino acid beside it.
    return name in stated if stated is not None else name in _LETTERS and "N" in residue


def _make_chain(
    name: str, residues: Sequence[Any], stated: Sequence[str] | None, path: str | Path
) -> Chain:
    observed = "".join(name_letter(residue.resname) for residue in residues)
    atoms = np.full((len(residues), 4, 3), np.nan)
    for row, residue in enumerate(residues):
        for column, atom in enumerate(BACKBONE):
            if atom in residue:
                atoms[row, column] = residue[atom].coord
    if stated is None:
        sequence, places = observed, np.arange(len(residues))
    else:
        sequence = "".join(map(name_letter, stated))
        numbers = np.array([residue.id[1] for residue in residues])
        placed = place_observed(sequence, observed, find_breaks(atoms), numbers)
        if placed is None:
            raise InputError(
                "the residues with coordinates are no part of the stated sequence (SEQRES)",
                file=path,
                record=f"chain {name}",
                found=observed,
                allowed=sequence,
                fix="remove the SEQRES records, or mend them",
            )
        places = placed
    n = len(sequence)
    backbone = np.full((n, 4, 3), np.nan)
    backbone[places] = atoms
    found: list[Any] = [None] * n
    keys: list[ResidueKey | None] = [None] * n
    for place, residue in zip(places.tolist(), residues, strict=True):
        found[place] = residue
        keys[place] = ResidueKey(residue.id[1], residue.id[2])
    return Chain(name, sequence, tuple(keys), tuple(found), backbone, stated is not None)


def find_breaks(backbone: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Find where a residue is not bound to the one before it.

    Parameters
    ----------
    backbone : ndarray of float64 (n, 4, 3)
        N, CA, C, O in angstrom.

    Returns
    -------
    ndarray of bool (n,)
        True at the first residue, and where C to N is over `LONGEST_BOND` or one is missing.
    """
    breaks = np.ones(len(backbone), bool)
    bonds = np.linalg.norm(backbone[1:, 0] - backbone[:-1, 2], axis=1)
    breaks[1:] = ~(bonds <= LONGEST_BOND)
    return breaks


def place_observed(
    sequence: str, observed: str, breaks: NDArray[np.bool_], numbers: NDArray[np.int64]
) -> NDArray[np.int64] | None:
    """Find where residues with coordinates stand in the whole sequence.

    Stretches between two breaks stay together. Each is put where its letters stand, at the
    distance from the stretch before it that the residue numbers tell, else at the next such
    place; where that fails the two strings are aligned.

    Parameters
    ----------
    sequence : str (n,)
    observed : str (m,)
    breaks : ndarray of bool (m,)
        As `find_breaks` gives.
    numbers : ndarray of int64 (m,)
        Residue numbers in the file.

    Returns
    -------
    ndarray of int64 (m,), or None
        Rising places in `sequence`; None where more than 5 % of the letters differ, or not
        every residue has a place.
    """
    places = np.full(len(observed), -1)
    starts = [*np.flatnonzero(breaks).tolist(), len(observed)]
    free = 0
    for start, end in pairwise(starts):
        piece = observed[start:end]
        told = free + int(numbers[start] - numbers[start - 1]) - 1 if start else -1
        place = told if told >= free and sequence.startswith(piece, told) else -1
        place = sequence.find(piece, free) if place < 0 else place
        if place < 0:
            return _align_observed(sequence, observed)
        places[start:end] = np.arange(place, place + len(piece))
        free = place + len(piece)
    return places


def _align_observed(sequence: str, observed: str) -> NDArray[np.int64] | None:
    if len(observed) > len(sequence):
        return None
    aligner = PairwiseAligner(  # type: ignore[no-untyped-call]
        mode="global", match_score=2, mismatch_score=-1, open_gap_score=-4, extend_gap_score=-0.01
    )
    aligner.end_gap_score = 0
    alignment = next(iter(aligner.align(sequence, observed)))  # type: ignore[no-untyped-call]
    places = np.full(len(observed), -1)
    for (start, end), (first, last) in zip(*alignment.aligned, strict=True):
        places[first:last] = np.arange(start, end)
    if (places < 0).any():
        return None
    differ = sum(sequence[place] != letter for place, letter in zip(places, observed, strict=True))
    return places if differ <= 0.05 * len(observed) else None
