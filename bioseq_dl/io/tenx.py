"""Cell Ranger's matrices: the folder of three files, and the HDF5 file, of all versions.

https://www.10xgenomics.com/support/software/cell-ranger/latest/analysis/outputs/cr-outputs-mex-matrices
"""

from __future__ import annotations

import csv
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import h5py
import numpy as np
from scipy.io import mmread
from scipy.sparse import csr_array

from bioseq_dl.errors import InputError
from bioseq_dl.io.cell_matrix import CellMatrix, tidy
from bioseq_dl.io.handles import open_binary, open_text
from bioseq_dl.io.hdf5 import find_member, open_hdf5, read_strings

_FILES = {
    "matrix": ("matrix.mtx", "matrix.mtx.gz"),
    "features": ("features.tsv.gz", "features.tsv", "genes.tsv", "genes.tsv.gz"),
    "barcodes": ("barcodes.tsv", "barcodes.tsv.gz"),
}
_BANNER = r"%%MatrixMarket\s+matrix\s+coordinate\s+(integer|real)\s+general"
Naming = Literal["id", "symbol"]


@dataclass(frozen=True)
class _Features:
    """Rows of the features' file; types and genomes empty where the file has none."""

    ids: list[str]
    symbols: list[str]
    types: list[str]
    genomes: list[str]


def read_tenx_files(
    matrix: str | Path,
    features: str | Path,
    barcodes: str | Path,
    *,
    genes: Naming = "symbol",
    feature_type: str = "Gene Expression",
) -> CellMatrix:
    """Read ``matrix.mtx``, ``genes.tsv`` or ``features.tsv``, and ``barcodes.tsv``.

    Each may be compressed.

    Raises
    ------
    InputError
        Where a file is damaged or malformed, or they do not fit together.
    """
    rows = _read_features(features)
    with open_text(barcodes) as handle:
        cells = [line.rstrip("\n").split("\t")[0] for line in handle if line.strip()]
    with open_binary(matrix) as stream:
        first = stream.peek(64)[:64].split(b"\n")[0].decode("utf-8", "replace")
        if not re.fullmatch(_BANNER, first.strip(), re.IGNORECASE):
            raise InputError(
                "not a sparse MatrixMarket file",
                file=matrix,
                position="line 1",
                found=first,
                allowed="%%MatrixMarket matrix coordinate integer general",
            )
        try:
            found = mmread(stream)
        except (ValueError, OverflowError) as error:
            raise InputError(
                "the matrix cannot be read", file=matrix, found=error, fix="copy it again"
            ) from None
    if found.shape != (len(rows.ids), len(cells)):
        turned = found.shape == (len(cells), len(rows.ids))
        raise InputError(
            "the matrix does not fit its features and barcodes"
            + (": it is transposed" if turned else ""),
            file=matrix,
            found=f"{found.shape[0]} x {found.shape[1]}",
            allowed=f"{len(rows.ids)} features x {len(cells)} barcodes",
            fix="give the three files of one folder",
        )
    return _select(csr_array(found.T), cells, rows, genes, feature_type, None, matrix)


def read_tenx_archive(
    path: str | Path,
    *,
    genes: Naming = "symbol",
    feature_type: str = "Gene Expression",
    genome: str | None = None,
) -> CellMatrix:
    """Read a Cell Ranger folder from an archive (tar, compressed or not, or zip).

    `genome` is the name of the folder in it, where there are several.

    Raises
    ------
    InputError
        As `read_tenx_files`; where the archive is damaged or has no such folder, or several.
    """
    with _unpack(path) as folders:
        if not folders:
            raise InputError(
                "the archive has no matrix.mtx",
                file=path,
                allowed="matrix.mtx, genes.tsv or features.tsv, barcodes.tsv (also .gz)",
            )
        names = sorted(folders)
        if genome is None and len(names) > 1:
            raise InputError(
                "the archive has several matrices",
                file=path,
                found=", ".join(names),
                fix="name one as genome",
            )
        chosen = names[0] if genome is None else genome
        if chosen not in folders:
            raise _no_genome(path, chosen, names)
        files = folders[chosen]
        for part, allowed in _FILES.items():
            if part not in files:
                raise InputError(
                    f"the archive has no {part} beside the matrix",
                    file=path,
                    record=chosen or None,
                    allowed=", ".join(allowed),
                )
        try:
            return read_tenx_files(**files, genes=genes, feature_type=feature_type)
        except InputError as error:
            text = str(error)
            for part, file in files.items():
                text = text.replace(str(file), f"{path}, {part}")
            raise InputError(text) from None


def read_tenx_hdf5(
    path: str | Path,
    *,
    genes: Naming = "symbol",
    feature_type: str = "Gene Expression",
    genome: str | None = None,
) -> CellMatrix:
    """Read a Cell Ranger ``.h5`` file: version 2 (a group per genome) or 3 and later.

    Raises
    ------
    InputError
        Where the file is damaged, is another kind of HDF5 file, or holds several genomes and none
        is chosen.
    """
    with open_hdf5(path, "a 10x h5 file") as file:
        if "matrix" in file and isinstance(file["matrix"], h5py.Group):
            group = file["matrix"]
            listed = find_member(group, "features", path, "part")
            names = {
                "ids": "id",
                "symbols": "name",
                "types": "feature_type",
                "genomes": "genome",
            }
            rows = _Features(
                **{
                    key: read_strings(find_member(listed, name, path, "column of features"))
                    for key, name in names.items()
                }
            )
            if len({len(getattr(rows, name)) for name in names}) > 1:
                raise InputError(
                    "the columns of the features differ in length",
                    file=path,
                    found=", ".join(f"{name} {len(getattr(rows, name))}" for name in names),
                )
        else:
            groups = sorted(
                name
                for name, part in file.items()
                if isinstance(part, h5py.Group) and "barcodes" in part
            )
            if not groups:
                raise InputError(
                    "an HDF5 file of another kind: no matrix of 10x in it",
                    file=path,
                    found=", ".join(sorted(file)[:10]),
                    fix="give an h5ad file as format: h5ad, a loom file as format: loom",
                )
            if genome is None and len(groups) > 1:
                raise _several_genomes(path, groups)
            chosen = genome if genome is not None else groups[0]
            if chosen not in groups:
                raise _no_genome(path, chosen, groups)
            group, genome = file[chosen], None
            ids = read_strings(find_member(group, "genes", path, "part"))
            symbols = read_strings(find_member(group, "gene_names", path, "part"))
            if len(ids) != len(symbols):
                raise InputError(
                    "the columns of the features differ in length",
                    file=path,
                    found=f"genes {len(ids)}, gene_names {len(symbols)}",
                )
            rows = _Features(ids, symbols, [], [])
        cells = read_strings(find_member(group, "barcodes", path, "part"))
        parts = {
            name: find_member(group, name, path, "part")[()]
            for name in ("data", "indices", "indptr", "shape")
        }
    shape = (len(cells), len(rows.ids))
    try:
        if tuple(parts["shape"].tolist()) != shape[::-1]:
            raise ValueError(f"shape {parts['shape'].tolist()}")
        values = csr_array((parts["data"], parts["indices"], parts["indptr"]), shape=shape)
        values.check_format(full_check=True)
    except ValueError as error:
        raise InputError(
            "the matrix does not fit its features and barcodes",
            file=path,
            found=error,
            allowed=f"{shape[1]} features x {shape[0]} barcodes",
        ) from None
    return _select(values, cells, rows, genes, feature_type, genome, path)


def _select(
    values: Any,
    cells: list[str],
    rows: _Features,
    genes: Naming,
    feature_type: str,
    genome: str | None,
    path: str | Path,
) -> CellMatrix:
    """Keep the features of one type and genome, and name them."""
    keep = np.ones(len(rows.ids), bool)
    if any(rows.types):
        keep = np.array([name == feature_type for name in rows.types])
        if not keep.any():
            raise InputError(
                f"no feature is of type {feature_type}",
                file=path,
                allowed=", ".join(sorted(set(rows.types))),
            )
    genomes = sorted({name for name, kept in zip(rows.genomes, keep, strict=False) if kept})
    if genome is None and len(genomes) > 1:
        raise _several_genomes(path, genomes)
    if genome is not None and genomes:
        if genome not in genomes:
            raise _no_genome(path, genome, genomes)
        keep &= np.array([name == genome for name in rows.genomes])
    kept = np.flatnonzero(keep)
    if len(kept) < len(keep):
        values = values[:, kept]
    symbols = tuple(rows.symbols[row] for row in kept)
    names = symbols if genes == "symbol" else tuple(rows.ids[row] for row in kept)
    return CellMatrix(tidy(values), tuple(cells), names, symbols)


def _read_features(path: str | Path) -> _Features:
    with open_text(path) as handle:
        rows = list(csv.reader(handle, delimiter="\t", quoting=csv.QUOTE_NONE))
    rows = [row for row in rows if row]
    for number, row in enumerate(rows, 1):
        if len(row) < 2 or len(row) != len(rows[0]):
            raise InputError(
                "a feature without id and symbol" if len(row) < 2 else "a row of another length",
                file=path,
                position=f"line {number}",
                found="\t".join(row),
                allowed="id, symbol and, of new files, type, parted by tabs",
            )
    types = [row[2] for row in rows] if rows and len(rows[0]) > 2 else []
    return _Features([row[0] for row in rows], [row[1] for row in rows], types, [])


def _several_genomes(path: str | Path, names: list[str]) -> InputError:
    return InputError(
        "the file has several genomes",
        file=path,
        found=", ".join(names),
        fix="name one as genome",
    )


def _no_genome(path: str | Path, name: str, names: list[str]) -> InputError:
    return InputError("no such genome in the file", file=path, found=name, allowed=", ".join(names))


@contextmanager
def _unpack(path: str | Path) -> Iterator[dict[str, dict[str, Path]]]:
    """Give the three files of each folder of an archive, unpacked for as long as they are read."""
    if not _is_archive(path):
        raise InputError(
            "neither an archive nor given with features and barcodes",
            file=path,
            allowed="tar, tar.gz, zip; or matrix.mtx with features and barcodes",
        )
    kinds = {name: part for part, names in _FILES.items() for name in names}
    with tempfile.TemporaryDirectory() as folder:
        found: dict[str, dict[str, Path]] = {}
        for number, (member, content) in enumerate(_read_members(path, set(kinds))):
            place = PurePosixPath(member)
            # By number: a member's folders have no say in where it is written.
            file = Path(folder, f"{number}-{place.name}")
            file.write_bytes(content)
            found.setdefault(place.parent.name, {})[kinds[place.name]] = file
        yield {name: files for name, files in found.items() if "matrix" in files}


def _is_archive(path: str | Path) -> bool:
    try:
        return tarfile.is_tarfile(path) or zipfile.is_zipfile(path)
    except EOFError:
        raise InputError(
            "the archive is cut short", file=path, fix="copy or download it again"
        ) from None


def _read_members(path: str | Path, names: set[str]) -> Iterator[tuple[str, bytes]]:
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if PurePosixPath(name).name in names:
                        yield name, archive.read(name)
            return
        with tarfile.open(path) as tar:
            for member in tar:
                if member.isfile() and PurePosixPath(member.name).name in names:
                    handle = tar.extractfile(member)
                    assert handle is not None
                    yield member.name, handle.read()
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise InputError("cannot read the archive", file=path, found=str(error)) from None
