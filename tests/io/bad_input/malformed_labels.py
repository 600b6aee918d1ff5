"""Malformed labels of residues and structures, each with the exact message a user reads.

A row is a name, a function that writes files into a folder and gives a call that reads them, and
the message, in which ``{tmp}`` stands for the folder.
"""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

from malformed_cases import Case, enter_into

from bioseq_dl.config import ResidueIngest, Targets
from bioseq_dl.io.label_tables import LabelColumns, read_label_table, read_parallel_fasta
from bioseq_dl.io.manifest import Fetched, source_key
from bioseq_dl.io.proteinnet import read_proteinnet, read_proteinnet_list
from bioseq_dl.io.residue_records import read_residues
from bioseq_dl.io.structure_labels import read_structure_labels

Call = Callable[[], object]
Q8_STATES = "G, H, I, B, E, S, T, C (also -, L, a space or P for C), X, ? or . for no label"
Q3_STATES = "H, E, C (also -, L or a space for C), X, ? or . for no label"
ATOM = "ATOM  {:5d}  {:<3s} {} {}{:4d}    {:8.3f}   0.000   0.000  1.00 10.00           {}"

MALFORMED: list[Case] = []
malformed = enter_into(MALFORMED)


def table(folder: Path, text: str, strict: bool = True, **columns: str) -> Call:
    path = folder / "t.csv"
    path.write_text(text)
    return partial(read_label_table, path, LabelColumns(**columns), strict=strict)


def records(folder: Path, text: str, **columns: str) -> Call:
    path = folder / "t.csv"
    path.write_text(text)
    entry = {"format": "table", "source": {"path": str(path)}}
    named = {f"{role}_column": name for role, name in columns.items()}
    ingest = ResidueIngest.model_validate({"inputs": [entry | named]})
    targets = Targets(kind="residues", names=("q3",))
    files = {source_key(ingest.inputs[0].source): Fetched(str(path), "0" * 64, 1)}
    return partial(read_residues, ingest, targets, files, folder)


def fasta(folder: Path, sequences: str, strict: bool = True, **labels: str) -> Call:
    (folder / "s.fa").write_text(sequences)
    for name, text in labels.items():
        (folder / f"{name}.fa").write_text(text)
    files = {name: folder / f"{name}.fa" for name in labels}
    return partial(read_parallel_fasta, folder / "s.fa", strict=strict, **files)


def structure(folder: Path, text: str | bytes, name: str = "x.pdb") -> Call:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return partial(read_structure_labels, path, program="builtin", accessibility=False)


def atoms(*residues: str, chain: str = "A") -> str:
    """Residues far from each other, each with its backbone."""
    lines = []
    for number, residue in enumerate(residues, 1):
        for place, atom in enumerate(("N", "CA", "C", "O")):
            x = 20.0 * number + 1.5 * place
            lines.append(ATOM.format(4 * number + place, atom, residue, chain, number, x, atom[0]))
    return "\n".join(lines) + "\n"


# Tables


@malformed("{tmp}/t.csv: no column of labels is named; fix: name q8, q3 or resolved")
def table_without_a_column_of_labels(folder):
    return table(folder, "id,sequence\na,MK\n")


@malformed(
    "{tmp}/t.csv: the table has no column dssp; allowed: id, sequence, dssp8; "
    "fix: did you mean dssp8?"
)
def column_of_labels_is_missing(folder):
    return table(folder, "id,sequence,dssp8\na,MK,HH\n", q8="dssp")


@malformed(
    "{tmp}/t.csv, record 'b': labels and sequence differ in length; found '4 residues, 3 of q8'"
)
def labels_are_shorter_than_the_sequence(folder):
    return table(folder, "id,sequence,q8\na,MKVL,HHHH\nb,MKVL,HHH\n", q8="q8")


@malformed(
    "{tmp}/t.csv, record 'a', residue 3: letter that is no state; found 'K'; "
    f"allowed: {Q8_STATES}"
)
def label_is_no_state(folder):
    return table(folder, "id,sequence,q8\na,MKVL,HHKH\n", q8="q8")


@malformed(
    "{tmp}/t.csv, record 'a', residue 4: letter that is no state; found 'T'; "
    f"allowed: {Q3_STATES}"
)
def eight_states_in_the_column_of_three(folder):
    return table(folder, "id,sequence,ss\na,MKVL,HHHT\n", q3="ss")


@malformed(
    "{tmp}/t.csv, record 'a', residue 2: letter outside the alphabet; found '*'; "
    "allowed: the 20 amino acids, X, and U, O, B, Z, J"
)
def stop_within_the_sequence(folder):
    return table(folder, "id,sequence,q8\na,M*VL,HHHH\n", q8="q8")


@malformed(
    "{tmp}/t.csv, record 'a', residue 1: q3 and q8 contradict each other; "
    "found 'q8 H, q3 C; 4 of 4 residues differ'; allowed: HGI as H, EB as E, others as C"
)
def three_states_of_another_protein(folder):
    return table(folder, "id,sequence,q8,q3\na,MKVL,HHHH,CCCC\n", q8="q8", q3="q3")


@malformed(
    "{tmp}/t.csv, record 'a', residue 2: mask that is not of 0 and 1; found 'x'; "
    "allowed: 1 and 0, as many as residues"
)
def mask_of_other_letters(folder):
    return table(folder, "id,sequence,q8,m\na,MKVL,HHHH,1x11\n", q8="q8", resolved="m")


@malformed(
    "{tmp}/t.csv, record 'a': labels and sequence differ in length; found "
    "'4 residues, 5 of resolved'; allowed: 1 and 0, as many as residues"
)
def mask_of_another_length(folder):
    return table(folder, "id,sequence,q8,m\na,MKVL,HHHH,11111\n", q8="q8", resolved="m")


@malformed("{tmp}/t.csv, record 'a': no residue has a label")
def every_residue_is_without_a_state(folder):
    return table(folder, "id,sequence,q8\na,MKVL,XXXX\n", False, q8="q8")


@malformed(
    "{tmp}/t.csv, record 'a': no record is left: all 1 records are rejected, 1 for: no residue "
    "has a label of these targets; the first; found 'q3'; allowed: rejected up to 0.1 of all; "
    "fix: give labels of these targets, or leave these records out of the file"
)
def every_residue_is_masked(folder):
    return records(folder, "id,sequence,q8,m\na,MKVL,HHHH,0000\n", q8="q8", resolved="m")


@malformed(
    "{tmp}/t.csv, record 'row 2', column fold: official fold not understood; "
    "found 'holdout'; allowed: train, val, test, or empty"
)
def fold_is_unknown(folder):
    text = "id,sequence,q8,fold\na,MK,HH,train\nb,MK,HH,holdout\n"
    return table(folder, text, q8="q8", split="fold")


@malformed(
    "the id a is repeated: in {tmp}/t.csv, row 1 and in {tmp}/t.csv, row 3; "
    "fix: set duplicate_ids: number, or give each input a name"
)
def id_is_repeated(folder):
    return records(folder, "id,sequence,q8\na,MK,HH\nb,MM,HH\na,MV,HH\n", q8="q8")


@malformed(
    "{tmp}/t.csv, record 'a': longer than max_length; found '5001 residues'; allowed: up to 5000"
)
def protein_is_too_long(folder):
    return table(folder, f"id,sequence,q8\na,{'M' * 5001},{'H' * 5001}\n", q8="q8")


# FASTA


@malformed("{tmp}/s.fa: no file of labels is given; fix: give q8, q3 or resolved")
def fasta_without_labels(folder):
    return fasta(folder, ">a\nMK\n")


@malformed("{tmp}/s.fa, record 'a': no labels of that id; found 'a'")
def fasta_of_other_ids(folder):
    return fasta(folder, ">a\nMK\n", strict=False, q8=">A\nHH\n")


@malformed(
    "{tmp}/q8.fa, record 'a', line 3: the id is repeated; fix: give each protein an id of its own"
)
def labels_of_one_id_twice(folder):
    return fasta(folder, ">a\nMK\n", q8=">a\nHH\n>a\nCC\n")


@malformed(
    "{tmp}/q8.fa, line 1: text before the first FASTA header; found 'HHCC'; "
    "allowed: a line that starts with '>'"
)
def labels_without_headers(folder):
    return fasta(folder, ">a\nMKVL\n", q8="HHCC\n")


# ProteinNet


@malformed("x.json, record 'A': the entry has no text DSSP; found \"{'Sequence': 'MK'}\"")
def proteinnet_entry_without_labels(folder):
    handle = io.BytesIO(json.dumps({"A": {"Sequence": "MK"}}).encode())
    return partial(read_proteinnet, handle, file="x.json")


@malformed(
    "x.json, after an entry that is not closed: the JSON file is cut short; fix: download it again"
)
def proteinnet_file_is_cut(folder):
    text = json.dumps({"A": {"Sequence": "MK", "DSSP": "HH"}}, indent="\t").encode()
    return partial(read_proteinnet, io.BytesIO(text[:30]), file="x.json")


@malformed("x.json: not an object of entries; found 'list'")
def proteinnet_file_is_a_list(folder):
    return partial(read_proteinnet, io.BytesIO(b'["A"]'), file="x.json")


@malformed("x.csv, line 2: the row has 1 fields, the header 2")
def proteinnet_list_is_ragged(folder):
    return partial(read_proteinnet_list, io.BytesIO(b"pnid,l\nA\n"), "l", "x.csv")


# Structures


@malformed(
    "{tmp}/x.pdb: neither a PDB nor an mmCIF file: no ATOM line and no data_ block; "
    "found '>a'; allowed: PDB or mmCIF, plain or compressed"
)
def structure_is_a_fasta(folder):
    return structure(folder, ">a\nMK\n")


@malformed("{tmp}/x.pdb: the file has no protein chain; found 'A (1 residues)'")
def structure_of_water(folder):
    return structure(
        folder, ATOM.format(1, "O", "HOH", "A", 1, 0.0, "O").replace("ATOM  ", "HETATM")
    )


@malformed(
    "{tmp}/x.pdb, record 'chain A': the residues with coordinates are no part of the "
    "stated sequence (SEQRES); found 'AG'; allowed: WWWW; "
    "fix: remove the SEQRES records, or mend them"
)
def structure_and_its_sequence_differ(folder):
    return structure(folder, "SEQRES   1 A    4  TRP TRP TRP TRP\n" + atoms("ALA", "GLY"))


@malformed("{tmp}/x.pdb, record 'chain A': no residue has a complete backbone; found '2 residues'")
def structure_of_alpha_carbons(folder):
    text = atoms("ALA", "GLY")
    return structure(folder, "".join(line + "\n" for line in text.splitlines() if " CA " in line))


@malformed(
    "{tmp}/x.cif: the file cannot be read as mmCIF: '_atom_site.id'; "
    "fix: download it again, or open and save it with a structure viewer"
)
def mmcif_without_atoms(folder):
    return structure(folder, "data_X\n_entry.id X\n", "x.cif")


@malformed(
    "{tmp}/x.pdb.gz: the compressed file is cut short: it ends after byte 41 of text; "
    "fix: copy or download it again"
)
def structure_is_cut_short(folder):
    return structure(folder, gzip.compress(atoms("ALA").encode())[:40], "x.pdb.gz")
