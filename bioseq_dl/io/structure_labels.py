"""Labels of residues from coordinates: states, accessibility, torsions."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from Bio.Data.PDBData import protein_letters_1to3, residue_sasa_scales
from Bio.PDB.Chain import Chain as AtomChain
from Bio.PDB.DSSP import make_dssp_dict
from Bio.PDB.Residue import Residue
from Bio.PDB.SASA import ShrakeRupley
from Bio.PDB.vectors import Vector, calc_dihedral
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.dssp import assign_states
from bioseq_dl.io.handles import open_text
from bioseq_dl.io.labelled_proteins import (
    LONGEST,
    TOO_LONG,
    Fault,
    LabelledProtein,
    LabelledProteins,
    gather_proteins,
)
from bioseq_dl.io.programs import find_program
from bioseq_dl.io.secondary_structure import NO_LABEL, reduce_states
from bioseq_dl.io.structures import Chain, ResidueKey, find_breaks, is_mmcif, read_structure

GREATEST: Mapping[str, float] = {
    letter: residue_sasa_scales["Wilke"][three.upper()]
    for letter, three in protein_letters_1to3.items()
}
"""Greatest accessible surface of each amino acid X in G-X-G, in square angstrom: the theoretical
values of Tien et al. 2013, PLoS ONE 8:e80635, table 1."""
NOT_RESOLVED = "no residue has a complete backbone"
_SECONDS = 300
Program = Literal["auto", "mkdssp", "builtin"]


def read_structure_labels(
    path: str | Path,
    *,
    program: Program = "auto",
    accessibility: bool = True,
    reduction: str = "standard",
    max_length: int = LONGEST,
    strict: bool = False,
) -> LabelledProteins:
    """Read the protein chains of a PDB or mmCIF file with labels for each residue.

    Ids are the file's name without endings, ``_`` and the chain. Residues of the stated sequence
    without coordinates have X and NaN, and are not `resolved`; where the file states no sequence,
    `resolved` is None. Accessibility is that of the chain among all protein chains of the first
    model, without water and ligands.

    Parameters
    ----------
    path : path
        Plain or compressed.
    program : str
        ``mkdssp`` calls that program for states and accessibility; ``builtin`` computes the
        states with `bioseq_dl.io.dssp` and the accessibility with Biopython (Shrake & Rupley
        1973, 100 points an atom); ``auto`` takes mkdssp where it is installed and can read the
        file (it wants a full header), else ``builtin``: their states differ in few residues.
    accessibility : bool
        False leaves `rsa` out, most of the time that ``builtin`` takes.
    reduction, max_length, strict
        See `bioseq_dl.io.label_tables.read_label_table`.

    Raises
    ------
    InputError
        What `read_structure` raises; mkdssp asked for and not installed, or failing; no chain
        left.
    """
    chains = read_structure(path)
    found = find_mkdssp(program)
    labels: list[str] | None = None
    areas: list[NDArray[np.float32]] | None = None
    if found is not None:
        try:
            labels, areas = run_mkdssp(found, path, chains)
        except InputError:
            if program == "mkdssp":
                raise
    if labels is None:
        labels = _compute_states(chains)
        areas = measure_areas(chains) if accessibility else None
    areas = areas if accessibility else None
    stem = Path(path).name.split(".")[0]
    proteins = [
        (
            f"chain {chain.id}",
            _make_protein(f"{stem}_{chain.id}", chain, states, area, reduction, max_length, path),
        )
        for chain, states, area in zip(
            chains, labels, areas if areas is not None else [None] * len(chains), strict=True
        )
    ]
    return gather_proteins(proteins, path, strict=strict)


def find_mkdssp(program: Program = "auto") -> str | None:
    """Give the path of mkdssp; None where it is not to be used.

    Raises
    ------
    InputError
        Where it is asked for and not installed.
    """
    return find_program("mkdssp", program, "dssp (conda-forge or your system's package)")


def run_mkdssp(
    program: str, path: str | Path, chains: Sequence[Chain]
) -> tuple[list[str], list[NDArray[np.float32]]]:
    """Let mkdssp assign states and accessible surfaces.

    Parameters
    ----------
    program : str
        Its path.
    path : path
        PDB or mmCIF, plain or compressed.
    chains : sequence of Chain
        As `read_structure` reads them from the same file.

    Returns
    -------
    labels : list of str
        Each over the eight states and X.
    areas : list of ndarray of float32 (n,)
        In square angstrom; NaN where mkdssp has no such residue.

    Raises
    ------
    InputError
        Where mkdssp fails, with the last line it wrote; takes more than five minutes; or
        knows none of the residues.
    """
    with tempfile.TemporaryDirectory() as folder:
        # mkdssp goes by the name's ending, and does not read every compression.
        plain = Path(folder) / ("in.cif" if is_mmcif(path) else "in.pdb")
        with open_text(path) as handle, plain.open("w", encoding="utf-8") as out:
            shutil.copyfileobj(handle, out)
        result = Path(folder) / "out.dssp"
        command = [program, "--output-format=dssp", str(plain), str(result)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_SECONDS
            )
        except subprocess.TimeoutExpired:
            raise InputError(
                f"mkdssp did not finish within {_SECONDS} s", file=path, fix="set program: builtin"
            ) from None
        if done.returncode != 0 or not result.is_file():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise InputError(
                f"mkdssp failed with code {done.returncode}",
                file=path,
                found="".join(last) or None,
                fix="set program: builtin",
            )
        table, _ = make_dssp_dict(str(result))  # type: ignore[no-untyped-call]
    labels, areas = [], []
    for chain in chains:
        states = [NO_LABEL] * len(chain.sequence)
        area = np.full(len(chain.sequence), np.nan, np.float32)
        for place, key in enumerate(chain.keys):
            row = _find_row(table, chain.id, key)
            if row is not None:
                states[place] = row[1] if row[1] in "GHIBEST" else "C"
                area[place] = row[2]
        labels.append("".join(states))
        areas.append(area)
    if all(set(states) == {NO_LABEL} for states in labels):
        raise InputError(
            "mkdssp has no residue of the chains", file=path, fix="set program: builtin"
        )
    return labels, areas


def _find_row(table: Mapping[Any, Any], chain: str, key: ResidueKey | None) -> Any:
    if key is None:
        return None
    return table.get((chain, (" ", key.number, key.insertion)))


def _compute_states(chains: Sequence[Chain]) -> list[str]:
    atoms = np.concatenate([chain.backbone for chain in chains])
    letters = "".join(chain.sequence for chain in chains)
    states = assign_states(atoms, np.array([letter == "P" for letter in letters]))
    ends = np.cumsum([len(chain.sequence) for chain in chains]).tolist()
    return [states[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def measure_areas(chains: Sequence[Chain]) -> list[NDArray[np.float32]]:
    """Measure the solvent-accessible surface of each residue among all chains given.

    Heavy atoms only, a probe of 1.4 angstrom, Biopython's radii.

    Returns
    -------
    list of ndarray of float32 (n,)
        In square angstrom; NaN for residues that are not resolved.
    """
    # All in one chain with numbers of their own: equal ids in two chains would be one residue.
    whole = AtomChain(" ")  # type: ignore[no-untyped-call]
    number = 0
    for chain in chains:
        for residue in chain.residues:
            number += 1
            if residue is None:
                continue
            twin = Residue((" ", number, " "), residue.resname, " ")  # type: ignore[no-untyped-call]
            for atom in residue:
                if atom.element not in ("H", "D"):
                    twin.add(atom.copy())  # type: ignore[no-untyped-call]
            whole.add(twin)
    ShrakeRupley().compute(whole, level="R")  # type: ignore[no-untyped-call]
    found = np.full(number, np.nan, np.float32)
    for residue in whole:
        found[residue.id[1] - 1] = residue.sasa
    ends = np.cumsum([len(chain.sequence) for chain in chains])
    return np.split(found, ends[:-1])


def relate_areas(area: NDArray[np.float32], sequence: str) -> NDArray[np.float32]:
    """Divide surfaces (n,) by the greatest of each amino acid; at most 1, NaN for X."""
    greatest = np.array([GREATEST.get(letter, math.nan) for letter in sequence], np.float32)
    share: NDArray[np.float32] = np.minimum(area / greatest, np.float32(1))
    return share


def measure_torsions(
    backbone: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Measure phi (C, N, CA, C) and psi (N, CA, C, N) of a chain.

    Parameters
    ----------
    backbone : ndarray of float64 (n, 4, 3)
        N, CA, C, O in angstrom; NaN where missing.

    Returns
    -------
    phi, psi : ndarray of float32 (n,)
        Radians between -pi and pi; NaN at chain ends, breaks and missing atoms.
    """
    n = len(backbone)
    phi, psi = np.full(n, np.nan, np.float32), np.full(n, np.nan, np.float32)
    whole = np.isfinite(backbone[:, :3].sum(axis=(1, 2)))
    breaks = find_breaks(backbone)
    points = [[Vector(atom) for atom in residue[:3]] for residue in backbone]  # type: ignore[no-untyped-call]
    for here in range(1, n):
        if breaks[here] or not (whole[here - 1] and whole[here]):
            continue
        (n0, a0, c0), (n1, a1, c1) = points[here - 1], points[here]
        phi[here] = calc_dihedral(c0, n1, a1, c1)  # type: ignore[no-untyped-call]
        psi[here - 1] = calc_dihedral(n0, a0, c0, n1)  # type: ignore[no-untyped-call]
    return phi, psi


def _make_protein(
    name: str,
    chain: Chain,
    states: str,
    area: NDArray[np.float32] | None,
    reduction: str,
    max_length: int,
    path: str | Path,
) -> LabelledProtein | Fault:
    if len(chain.sequence) > max_length:
        return Fault(TOO_LONG, 0, f"{len(chain.sequence)} residues", f"up to {max_length}")
    if set(states) == {NO_LABEL}:
        return Fault(NOT_RESOLVED, 0, f"{len(chain.sequence)} residues")
    phi, psi = measure_torsions(chain.backbone)
    return LabelledProtein(
        id=name,
        sequence=chain.sequence,
        q8=states,
        q3=reduce_states(states, reduction),
        resolved=chain.resolved if chain.complete else None,
        rsa=None if area is None else relate_areas(area, chain.sequence),
        phi=phi,
        psi=psi,
        source=str(path),
    )
