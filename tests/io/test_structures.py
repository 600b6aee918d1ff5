"""Chains and labels from PDB and mmCIF files written here, and from real ones."""

from __future__ import annotations

import gzip
import shutil
from itertools import pairwise

import numpy as np
import pytest
from Bio.PDB.vectors import Vector, calc_dihedral

from bioseq_dl.errors import InputError
from bioseq_dl.io.dssp import assign_states
from bioseq_dl.io.structure_labels import (
    measure_areas,
    measure_torsions,
    read_structure_labels,
    relate_areas,
)
from bioseq_dl.io.structures import find_breaks, name_letter, place_observed, read_structure

THREE = {"A": "ALA", "G": "GLY", "M": "MSE", "P": "PRO", "S": "SER", "K": "LYS"}


ATOM_SITE = (
    *("group_PDB", "id", "type_symbol", "label_atom_id", "label_alt_id", "label_comp_id"),
    *("label_asym_id", "label_entity_id", "label_seq_id", "pdbx_PDB_ins_code"),
    *("Cartn_x", "Cartn_y", "Cartn_z", "occupancy", "B_iso_or_equiv", "auth_seq_id"),
    *("auth_comp_id", "auth_asym_id", "auth_atom_id", "pdbx_PDB_model_num"),
)


def place_atom(one, two, three, bond, angle, torsion):
    """The fourth atom from three (Parsons et al. 2005)."""
    along = (three - two) / np.linalg.norm(three - two)
    normal = np.cross(two - one, along)
    normal /= np.linalg.norm(normal)
    side = np.cross(normal, along)
    angle, torsion = np.pi - np.radians(angle), np.radians(torsion)
    return three + bond * (
        np.cos(angle) * along + np.sin(angle) * (np.cos(torsion) * side + np.sin(torsion) * normal)
    )


def build(torsions):
    """Backbone atoms (n, 4, 3) with these phi, psi in degrees and omega 180."""
    atoms = [np.array(xyz) for xyz in ((0, 0, 0), (1.46, 0, 0), (2.0, 1.42, 0))]
    for (_, psi), (phi, _) in pairwise(torsions):
        atoms.append(place_atom(*atoms[-3:], 1.33, 116.6, psi))
        atoms.append(place_atom(*atoms[-3:], 1.46, 121.7, 180))
        atoms.append(place_atom(*atoms[-3:], 1.52, 111.0, phi))
    atoms.append(place_atom(*atoms[-3:], 1.33, 116.6, torsions[-1][1]))
    trace = np.array(atoms)
    n = len(torsions)
    backbone = np.empty((n, 4, 3))
    backbone[:, :3] = trace[: 3 * n].reshape(n, 3, 3)
    for i in range(n):
        following = trace[3 * i + 3]
        carbon = backbone[i, 2]
        away = (carbon - backbone[i, 1]) / np.linalg.norm(carbon - backbone[i, 1])
        away += (carbon - following) / np.linalg.norm(carbon - following)
        backbone[i, 3] = carbon + 1.23 * away / np.linalg.norm(away)
    return backbone


HELIX = build([(-57.8, -47.0)] * 12)


def write_pdb(path, backbone, sequence, *, seqres=None, skip=(), chain="A", first=1, extra=()):
    lines = ["HEADER    TEST"]
    names = [THREE[letter] for letter in seqres or ""]
    for start in range(0, len(names), 13):
        row = " ".join(names[start : start + 13])
        lines.append(f"SEQRES {start // 13 + 1:3d} {chain} {len(names):4d}  {row}")
    serial = 0
    for place, letter in enumerate(sequence):
        if place in skip:
            continue
        for atom, xyz in zip(("N", "CA", "C", "O"), backbone[place], strict=True):
            if np.isnan(xyz).any():
                continue
            serial += 1
            kind = "HETATM" if letter == "M" else "ATOM  "
            x, y, z = xyz
            lines.append(
                f"{kind}{serial:5d}  {atom:<3s} {THREE[letter]} {chain}{place + first:4d}    "
                f"{x:8.3f}{y:8.3f}{z:8.3f}  1.00 10.00           {atom[0]}"
            )
    path.write_text("\n".join([*lines, *extra, "END"]) + "\n")
    return path


def test_an_ideal_helix_and_its_torsions(tmp_path):
    path = write_pdb(tmp_path / "x.pdb", HELIX, "A" * 12)
    found = read_structure_labels(path, program="builtin")
    (protein,) = found.proteins
    assert protein.id == "x_A"
    assert protein.q8 == "CHHHHHHHHHHC"
    assert protein.q3 == "CHHHHHHHHHHC"
    assert protein.resolved is None  # the file does not state the whole sequence
    assert np.degrees(protein.phi[1:]) == pytest.approx(-57.8, abs=0.2)
    assert np.degrees(protein.psi[:-1]) == pytest.approx(-47.0, abs=0.2)
    assert np.isnan(protein.phi[0])
    assert np.isnan(protein.psi[-1])
    assert ((protein.rsa > 0) & (protein.rsa <= 1)).all()
    assert (
        read_structure_labels(path, program="builtin", accessibility=False).proteins[0].rsa is None
    )


def test_unresolved_residues_are_in_the_sequence_and_masked(tmp_path):
    sequence = "GSKAAAAPAAMK"
    path = write_pdb(tmp_path / "x.pdb", HELIX, sequence, seqres=sequence, skip={0, 5, 6})
    (protein,) = read_structure_labels(path, program="builtin").proteins
    assert protein.sequence == sequence  # MSE, a HETATM, is M
    assert "".join("01"[int(known)] for known in protein.resolved) == "011110011111"
    assert [place for place, letter in enumerate(protein.q8) if letter == "X"] == [0, 5, 6]
    assert np.isnan(protein.rsa[[0, 5, 6]]).all()
    # No torsion over a gap.
    assert np.isnan(protein.phi[[0, 1, 7]]).all()
    assert np.isnan(protein.psi[[4, 11]]).all()


def test_a_residue_without_its_backbone_has_no_label(tmp_path):
    broken = HELIX.copy()
    broken[5, 3] = np.nan
    path = write_pdb(tmp_path / "x.pdb", broken, "A" * 12, seqres="A" * 12)
    (protein,) = read_structure_labels(path, program="builtin").proteins
    assert protein.q8[5] == "X"
    assert protein.resolved.all()


@pytest.mark.parametrize(
    ("names", "letters"),
    [("MSE SEP TPO PTR HYP SEC PYL CSO MLY", "MSTYPCKCK"), ("UNK ASX XYZ", "XXX")],
)
def test_other_residues_follow_the_table(names, letters):
    assert "".join(map(name_letter, names.split())) == letters


def test_gaps_are_placed_by_breaks_and_numbers():
    breaks = np.array([True, False, True, False])
    numbers = np.array([1, 2, 5, 6])
    # AA fits at 2, 3 and 4: the numbers tell.
    assert place_observed("AAAAAA", "AAAA", breaks, numbers).tolist() == [0, 1, 4, 5]
    # Numbers of no use: the first place.
    assert place_observed("AAGAAA", "AAAA", breaks, np.array([1, 2, 90, 91])).tolist() == [
        0,
        1,
        3,
        4,
    ]
    # A residue that differs from the stated one: aligned.
    sequence = "MKVLAWGHERTYIPASDFGHKLCVNM" * 2
    observed = sequence[3:20] + "W" + sequence[21:40]
    one = np.array([True] + [False] * (len(observed) - 1))
    found = place_observed(sequence, observed, one, np.arange(len(observed)))
    assert found.tolist() == list(range(3, 40))
    assert place_observed("AAAA", "AAAAA", np.array([True] + [False] * 4), np.arange(5)) is None


def test_mmcif_states_which_residues_are_missing(tmp_path):
    pdb = write_pdb(tmp_path / "x.pdb", HELIX, "GAAAAAAAAAAK", skip={0, 11})
    rows = []
    for line in pdb.read_text().splitlines():
        if line.startswith("ATOM"):
            _, serial, atom, name, _, number, *xyz, _, _, element = line.split()
            row = ["ATOM", serial, element, atom, ".", name, "A", "1", number, "?", *xyz]
            rows.append(" ".join([*row, "1.0", "9.0", number, name, "A", atom, "1"]))
    names = ["GLY", *["ALA"] * 10, "LYS"]
    scheme = [f"A 1 {n} {name} A ." for n, name in enumerate(names, 1)]
    text = "data_X\nloop_\n" + "".join(
        f"_pdbx_poly_seq_scheme.{name}\n"
        for name in ("asym_id", "entity_id", "seq_id", "mon_id", "pdb_strand_id", "pdb_ins_code")
    )
    text += (
        "\n".join(scheme) + "\n#\nloop_\n" + "".join(f"_atom_site.{name}\n" for name in ATOM_SITE)
    )
    path = tmp_path / "x.cif.gz"
    path.write_bytes(gzip.compress((text + "\n".join(rows) + "\n#\n").encode()))
    (protein,) = read_structure_labels(path, program="builtin").proteins
    assert protein.sequence == "G" + "A" * 10 + "K"
    assert protein.resolved.tolist() == [False] + [True] * 10 + [False]
    assert protein.q8 == "XCHHHHHHHHCX"


def test_chains_apart_are_measured_together(tmp_path):
    write_pdb(tmp_path / "x.pdb", HELIX, "A" * 12)
    second = write_pdb(tmp_path / "y.pdb", HELIX + 5.0, "A" * 12, chain="B").read_text()
    atoms = [line for line in second.splitlines() if line.startswith("ATOM")]
    both = write_pdb(tmp_path / "z.pdb", HELIX, "A" * 12, extra=["TER", *atoms])
    alone = measure_areas(read_structure(tmp_path / "x.pdb"))
    together = measure_areas(read_structure(both))
    assert len(together) == 2
    assert together[0].sum() < 0.9 * alone[0].sum()
    share = relate_areas(np.array([64.5, 999, 1], np.float32), "AWX")
    assert share[:2].tolist() == [0.5, 1.0]  # 129 square angstrom for A
    assert np.isnan(share[2])


def test_torsions_equal_biopythons():
    backbone = build([(-60, -45), (-120, 130), (60, 40), (-75, 150), (-60, -30)])
    phi, psi = measure_torsions(backbone)
    points = [[Vector(atom) for atom in residue] for residue in backbone]
    assert phi[2] == pytest.approx(calc_dihedral(points[1][2], *points[2][:3]))
    assert psi[2] == pytest.approx(calc_dihedral(*points[2][:3], points[3][0]))
    assert np.degrees(phi[1:]) == pytest.approx([-120, 60, -75, -60], abs=0.1)


def test_a_break_ends_a_helix():
    apart = np.concatenate([HELIX[:6], HELIX[6:] + 100.0])
    assert find_breaks(apart).nonzero()[0].tolist() == [0, 6]
    states = assign_states(apart, np.zeros(12, bool))
    assert states == "CHHHHCCHHHHC"
    assert assign_states(np.full((3, 4, 3), np.nan), np.zeros(3, bool)) == "XXX"
    assert assign_states(HELIX[:1], np.zeros(1, bool)) == "C"


GB1 = "CEEEEEEECSSCEEEEEEECSSHHHHHHHHHHHHHHTTCCCEEEEETTTTEEEEEC"


def test_states_of_protein_g_are_those_of_mkdssp(shared_data):
    path = shared_data / "protein_variant_effect" / "2qmt.pdb"
    (protein,) = read_structure_labels(path, program="builtin").proteins
    assert protein.sequence.startswith("MQYKLILNGKTLKGETTTEA")
    assert protein.q8 == GB1  # what mkdssp 4.2.2 says
    if shutil.which("mkdssp"):
        (other,) = read_structure_labels(path, program="mkdssp").proteins
        assert other.q8 == GB1
        assert np.corrcoef(other.rsa, protein.rsa)[0, 1] > 0.98


def test_mkdssp_asked_for_and_not_there(tmp_path, monkeypatch):
    path = write_pdb(tmp_path / "x.pdb", HELIX, "A" * 12)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="mkdssp is not installed"):
        read_structure_labels(path, program="mkdssp")
    assert read_structure_labels(path).proteins[0].q8 == "CHHHHHHHHHHC"
    (tmp_path / "mkdssp").write_text("#!/bin/sh\necho 'Error: it is Sunday' >&2\nexit 3\n")
    (tmp_path / "mkdssp").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(InputError, match="code 3; found 'Error: it is Sunday'"):
        read_structure_labels(path, program="mkdssp")
    assert read_structure_labels(path).proteins[0].q8 == "CHHHHHHHHHHC"
