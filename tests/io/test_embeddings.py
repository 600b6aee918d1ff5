"""Numbers for each residue from a file."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.embeddings import check_embeddings, read_embeddings

VALUES = {"a": np.arange(6.0).reshape(2, 3), "b": np.arange(9.0).reshape(3, 3) / 7}
IDS, LENGTHS = ["set/b", "a"], [3, 2]


def write_hdf5(path: Path, values: dict[str, np.ndarray]) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in values.items():
            file[name] = array.astype(np.float16)
    return path


def write_parquet(path: Path, values: dict[str, np.ndarray]) -> Path:
    flat = [array.ravel().tolist() for array in values.values()]
    pq.write_table(pa.table({"id": list(values), "embedding": flat}), path)
    return path


@pytest.mark.parametrize("write", [write_hdf5, write_parquet])
def test_either_format_in_the_records_order(tmp_path: Path, write: object) -> None:
    path = write(tmp_path / "e", VALUES)  # type: ignore[operator]
    found = read_embeddings(path, IDS, LENGTHS, 3)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, np.concatenate([VALUES["b"], VALUES["a"]]), rtol=1e-3)


@pytest.mark.parametrize("write", [write_hdf5, write_parquet])
@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"a": VALUES["a"]}, "record 'set/b': no embedding of a record"),
        ({"a": VALUES["a"], "b": VALUES["b"][:2]}, "another shape + 2 x 3 + 3 residues x 3"),
        ({"a": VALUES["a"], "b": VALUES["b"][:, :2]}, "another shape"),
        ({"a": VALUES["a"], "b": VALUES["b"] * np.nan}, "no finite number + residue 1, feature 1"),
    ],
)
def test_what_does_not_fit(
    tmp_path: Path, write: object, values: dict[str, np.ndarray], message: str
) -> None:
    path = write(tmp_path / "e", values)  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        read_embeddings(path, IDS, LENGTHS, 3)
    text = str(caught.value)
    for part in message.split(" + "):
        assert part in text, text
    with pytest.raises(InputError) as caught:
        check_embeddings(path, IDS, LENGTHS, 3)
    assert str(caught.value) == text


@pytest.mark.parametrize("write", [write_hdf5, write_parquet])
@pytest.mark.parametrize(
    ("shape", "fix"),
    [
        ((5, 3), "leave out the model's special tokens"),
        ((2, 3), "leave out the model's special tokens"),
        ((3, 8), "set ingest.embeddings.features: 8, or give a file of 3 features"),
        ((3, 9), "set ingest.embeddings.features: 9, or give a file of 3 features"),
        ((7, 3), "compute it from this sequence, 3 numbers a residue"),
    ],
)
def test_what_to_set_follows_from_the_shape(
    tmp_path: Path, write: object, shape: tuple[int, int], fix: str
) -> None:
    if (shape, write) == ((7, 3), write_parquet):
        fix = "set ingest.embeddings.features: 7"  # 21 numbers of 3 residues
    path = write(tmp_path / "e", {"b": np.zeros(shape)})  # type: ignore[operator]
    with pytest.raises(InputError) as caught:
        check_embeddings(path, ["b"], [3], 3)
    assert f"fix: {fix}" in str(caught.value)


def test_files_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("not embeddings at all\n")
    with pytest.raises(InputError, match="no known format"):
        read_embeddings(tmp_path / "text", IDS, LENGTHS, 3)
    pq.write_table(pa.table({"id": ["a"], "vector": [[1.0]]}), tmp_path / "p")
    with pytest.raises(InputError, match="no column embedding"):
        read_embeddings(tmp_path / "p", IDS, LENGTHS, 3)
    pq.write_table(pa.table({"id": ["a"], "embedding": ["x"]}), tmp_path / "q")
    with pytest.raises(InputError, match="a column of another type"):
        read_embeddings(tmp_path / "q", IDS, LENGTHS, 3)
    whole = write_hdf5(tmp_path / "h", VALUES).read_bytes()
    (tmp_path / "cut").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError):
        read_embeddings(tmp_path / "cut", IDS, LENGTHS, 3)
