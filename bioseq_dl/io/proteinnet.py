"""ProteinNet chains with DSSP strings, as the wheel of sidechainnet 1.0.1 holds them.

Two members of the wheel are read, both beneath ``sidechainnet/resources/``:

``full_protein_dssp_annotations.json`` and ``single_domain_dssp_annotations.json``
    One object: ProteinNet id: ``{"Sequence": …, "DSSP": …}`` (domains also ``SCCS``), a string
    a line. Ids are ``<PDB>_<model>_<chain>`` or ``<PDB>_<ASTRAL domain>``. Coil is ``L``.
    Residues without coordinates are written as coil as well, so there is no mask to be had:
    `LabelledProtein.resolved` is None.
``all_proteinnet_ids.csv``
    ``pnid``, then a column ``<casp>_<list>`` for each ProteinNet list (``casp7_training_30``,
    ``casp7_validation``, ``casp7_testing`` …) with 1 where the chain is in it, else 0.

The files are 37 to 90 MB of JSON: they are read line by line, and reading stops when all wanted
ids are found or `limit` is reached. Nothing of the package is imported or run.

AlQuraishi 2019, BMC Bioinformatics 20:311 (ProteinNet); King & Koes 2021, Proteins 89:1489
(SidechainNet).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from bioseq_dl.errors import InputError
from bioseq_dl.io.labelled_proteins import (
    LONGEST,
    Fault,
    LabelledProtein,
    LabelledProteins,
    gather_proteins,
    make_protein,
)

FOLDER = "sidechainnet/resources"
CHAINS = f"{FOLDER}/full_protein_dssp_annotations.json"
DOMAINS = f"{FOLDER}/single_domain_dssp_annotations.json"
LISTS = f"{FOLDER}/all_proteinnet_ids.csv"
NO_CHAIN = "no DSSP string of that id"


def read_proteinnet_list(handle: IO[bytes], name: str, file: str | Path = LISTS) -> list[str]:
    """Read the ids of one ProteinNet list, in the file's order.

    Parameters
    ----------
    handle : binary file
        ``all_proteinnet_ids.csv``, open.
    name : str
        Such as ``casp7_training_30`` or ``casp7_validation``.
    file : path
        Its name in errors.

    Raises
    ------
    InputError
        Where the file has no such list, or a row of another width.
    """
    rows = csv.reader(io.TextIOWrapper(handle, encoding="utf-8", newline=""))
    header = next(rows, [])
    if name not in header[1:] or header[0] != "pnid":
        raise InputError(
            "no such list", file=file, found=name, allowed=", ".join(header[1:]) or "columns"
        )
    place = header.index(name)
    ids = []
    for number, row in enumerate(rows, 2):
        if len(row) != len(header):
            raise InputError(
                f"the row has {len(row)} fields, the header {len(header)}",
                file=file,
                position=f"line {number}",
            )
        if row[place] == "1":
            ids.append(row[0])
    return ids


def read_proteinnet(
    handle: IO[bytes],
    *,
    ids: Collection[str] | None = None,
    split: str | None = None,
    limit: int | None = None,
    file: str | Path = CHAINS,
    reduction: str = "standard",
    max_length: int = LONGEST,
    strict: bool = False,
) -> LabelledProteins:
    """Read chains or domains with their DSSP strings, in the file's order.

    Parameters
    ----------
    handle : binary file
        ``full_protein_dssp_annotations.json`` or ``single_domain_dssp_annotations.json``, open;
        `bioseq_dl.io.packages.open_member` opens it inside the wheel.
    ids : collection of str, optional
        Those to keep, such as `read_proteinnet_list` gives; those not found are rejected.
        Ids of the validation lists begin with their identity class (``10#1AEP_1_A``), which is
        ignored when looking up.
    split : str, optional
        Fold to give them.
    limit : int, optional
        Stop after so many proteins that can be used.
    file, reduction, max_length, strict
        See `bioseq_dl.io.label_tables.read_label_table`.

    Raises
    ------
    InputError
        Where the file is not of that layout or ends early; where no protein is left.
    """
    wanted = None if ids is None else {name.split("#")[-1]: name for name in ids}

    def take() -> Iterator[tuple[str, LabelledProtein | Fault]]:
        missing = {} if wanted is None else dict(wanted)
        usable = 0
        for name, record in _read_objects(handle, file):
            if wanted is not None:
                found = missing.pop(name.split("#")[-1], None)
                if found is None:
                    continue
                name = found
            protein = make_protein(
                name=name,
                sequence=_get_text(record, "Sequence", name, file),
                q8=_get_text(record, "DSSP", name, file),
                split=split,
                source=str(file),
                reduction=reduction,
                max_length=max_length,
            )
            yield name, protein
            usable += isinstance(protein, LabelledProtein)
            if usable == limit or (wanted is not None and not missing):
                return
        for name in missing.values():
            yield name, Fault(NO_CHAIN, 0, name)

    return gather_proteins(take(), file, strict=strict)


def _get_text(record: object, key: str, name: str, file: str | Path) -> str:
    value = record.get(key) if isinstance(record, dict) else None
    if not isinstance(value, str):
        raise InputError(f"the entry has no text {key}", file=file, record=name, found=record)
    return value


def _read_objects(handle: IO[bytes], file: str | Path) -> Iterator[tuple[str, object]]:
    """Read the entries of one large object whose entries begin and end at lines of their own.

    The member is written with one tab of indent an entry; a file laid out otherwise is read
    whole.
    """
    first = handle.readline().strip()
    if first != b"{":
        yield from _read_whole(first + handle.read(), file)
        return
    lines: list[bytes] = []
    for number, line in enumerate(handle, 2):
        bare = line.strip()
        if bare == b"}" and not lines:
            return
        lines.append(line)
        if bare in (b"}", b"},") and line.startswith((b"\t}", b"    }", b"  }", b" }")):
            entry = b"{" + b"".join(lines).rstrip().rstrip(b",") + b"}"
            yield from _parse(entry, file, number).items()
            lines = []
    raise InputError(
        "the JSON file is cut short",
        file=file,
        position=f"after {'an entry that is not closed' if lines else 'the last entry'}",
        fix="download it again",
    )


def _read_whole(text: bytes, file: str | Path) -> Iterator[tuple[str, object]]:
    yield from _parse(text, file, 1).items()


def _parse(text: bytes, file: str | Path, line: int) -> dict[str, object]:
    try:
        parsed = json.loads(text)
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"not JSON: {error}", file=file, position=f"line {line}") from None
    if not isinstance(parsed, dict):
        raise InputError("not an object of entries", file=file, found=type(parsed).__name__)
    return parsed
