"""Structures from a file, or from an archive of such files."""

from __future__ import annotations

import tarfile
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from bioseq_dl.errors import InputError
from bioseq_dl.io.handles import read_magic
from bioseq_dl.io.labelled_proteins import LONGEST, LabelledProtein, LabelledProteins
from bioseq_dl.io.records import Reject
from bioseq_dl.io.structure_labels import Program, read_structure_labels

ENDINGS = (".pdb", ".ent", ".cif", ".mmcif", ".pdb.gz", ".ent.gz", ".cif.gz", ".mmcif.gz")
"""Of members that are structures; others of an archive are no structures and not read."""
_ZIP = b"PK\x03\x04"


def read_structures(
    path: str | Path,
    *,
    program: Program = "auto",
    reduction: str = "standard",
    max_length: int = LONGEST,
) -> LabelledProteins:
    """Read the protein chains of a structure, or of every structure of a tar or zip archive.

    A member of an archive that cannot be read is rejected, with its name and the reason; what
    macOS puts beside files (``__MACOSX/``, ``._name``) is passed over.

    Parameters
    ----------
    path : path
        PDB, mmCIF, or an archive.
    program, reduction, max_length
        See `bioseq_dl.io.structure_labels.read_structure_labels`.

    Raises
    ------
    InputError
        Where a lone structure cannot be read; an archive is damaged, has no structure, or two of
        one name.
    """
    kind = _find_kind(path)
    if kind == "structure":
        return read_structure_labels(
            path, program=program, reduction=reduction, max_length=max_length
        )
    proteins: list[tuple[str, LabelledProtein]] = []
    rejects: list[tuple[str, Reject]] = []
    seen: dict[str, str] = {}
    members = _read_zip(path) if kind == "zip" else _read_tar(path)
    with tempfile.TemporaryDirectory() as folder:
        for member, content in members:
            # By its last name alone: a member's folders have no say in where it is written.
            name = PurePosixPath(member).name
            if name in seen:
                raise InputError(
                    "two files of one name in the archive",
                    file=path,
                    found=f"{seen[name]}, {member}",
                    fix="give each structure a name of its own",
                )
            seen[name] = member
            file = Path(folder, name)
            file.write_bytes(content)
            try:
                found = read_structure_labels(
                    file, program=program, reduction=reduction, max_length=max_length
                )
            except InputError as error:
                told = "" if error.found is None else str(error.found)
                rejects.append((name, Reject(str(path), member, "", error.problem, told)))
                continue
            finally:
                file.unlink()
            proteins += [(name, protein) for protein in found.proteins]
            rejects += [
                (name, one._replace(source=str(path), record=f"{member}, {one.record}"))
                for one in found.rejects
            ]
    if not seen:
        raise InputError("no structure in the archive", file=path, allowed=", ".join(ENDINGS))
    # In the order of names: an archive's own order may change when it is packed again.
    return LabelledProteins(
        tuple(protein for _, protein in sorted(proteins, key=lambda pair: pair[0])),
        tuple(reject for _, reject in sorted(rejects, key=lambda pair: pair[0])),
    )


def _find_kind(path: str | Path) -> str:
    magic = read_magic(path, len(_ZIP))
    if zipfile.is_zipfile(path):
        return "zip"
    if magic == _ZIP:
        raise InputError(
            "the zip archive is cut short: the list of members, at its end, is missing",
            file=path,
            fix="copy or download it again",
        )
    return "tar" if tarfile.is_tarfile(path) else "structure"


def _is_structure(name: str) -> bool:
    parts = PurePosixPath(name).parts
    litter = "__MACOSX" in parts or (bool(parts) and parts[-1].startswith("._"))
    return name.lower().endswith(ENDINGS) and not litter


def _read_zip(path: str | Path) -> Iterator[tuple[str, bytes]]:
    member = None
    try:
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if not _is_structure(info.filename):
                    continue
                member = info.filename
                if info.flag_bits & 1:
                    raise InputError(
                        "the archive is encrypted", file=path, record=member, fix="unpack it"
                    )
                yield member, archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError) as error:
        raise _damaged(path, member, error) from None


def _read_tar(path: str | Path) -> Iterator[tuple[str, bytes]]:
    member = None
    try:
        with tarfile.open(path) as tar:
            for info in tar:
                if info.isfile() and _is_structure(info.name):
                    member = info.name
                    handle = tar.extractfile(info)
                    assert handle is not None
                    yield member, handle.read()
    except (tarfile.TarError, zlib.error, EOFError, OSError) as error:
        raise _damaged(path, member, error) from None


def _damaged(path: str | Path, member: str | None, error: Exception) -> InputError:
    return InputError(
        "cannot read the archive",
        file=path,
        record=member,
        found=str(error),
        fix="copy or download it again",
    )
