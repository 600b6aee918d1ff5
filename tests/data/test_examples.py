from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open

from bioseq_dl.config import Targets
from bioseq_dl.data.examples import read_examples, write_examples
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError


def make_examples(lengths: list[int], folds: int = 2, seed: int = 0) -> Examples:
    random = np.random.default_rng(seed)
    count = len(lengths)
    targets = random.normal(size=(count, 2)).astype(np.float32)
    targets[::3, 0] = np.nan
    return Examples(
        codes=random.integers(0, 5, sum(lengths)).astype(np.uint8),
        offsets=np.cumsum([0, *lengths]).astype(np.int64),
        targets=targets,
        roles=random.integers(0, 4, (folds, count)).astype(np.uint8),
        spec=Targets(kind="regression", names=("x", "y")),
        unknown="uniform",
        ids_sha256="0" * 64,
    )


def _equal(one: Examples, two: Examples) -> bool:
    names = ("codes", "offsets", "targets", "roles")
    same = all(
        np.array_equal(getattr(one, n), getattr(two, n), equal_nan=n == "targets") for n in names
    )
    return same and (one.spec, one.unknown, one.ids_sha256) == (
        two.spec,
        two.unknown,
        two.ids_sha256,
    )


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(0, 3))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
def test_examples_come_back_as_they_were(tmp_path: Path, lengths: list[int], folds: int) -> None:
    examples = make_examples(lengths, folds)
    path = tmp_path / "examples.safetensors"
    write_examples(path, examples)
    assert _equal(read_examples(path), examples)


def test_the_safetensors_library_reads_the_file(tmp_path: Path) -> None:
    examples = make_examples([3, 0, 5])
    path = tmp_path / "examples.safetensors"
    write_examples(path, examples)
    with safe_open(path, "np") as file:
        metadata = {key: json.loads(value) for key, value in file.metadata().items()}
        for name in ("codes", "offsets", "targets", "roles"):
            tensor = file.get_tensor(name)
            np.testing.assert_array_equal(tensor, getattr(examples, name))
            assert tensor.dtype == getattr(examples, name).dtype
    assert metadata == {
        "alphabet": "ACGT",
        "ids_sha256": "0" * 64,
        "targets": {"kind": "regression", "names": ["x", "y"], "classes": [], "weights": {}},
        "unknown": "uniform",
    }


def test_equal_examples_are_equal_bytes(tmp_path: Path) -> None:
    write_examples(tmp_path / "a", make_examples([3, 4]))
    write_examples(tmp_path / "b", make_examples([3, 4]))
    write_examples(tmp_path / "c", make_examples([3, 4], seed=1))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_codes_are_mapped_not_read(tmp_path: Path) -> None:
    path = tmp_path / "examples.safetensors"
    write_examples(path, make_examples([4]))
    size = 2**31
    header = json.loads(path.read_bytes()[8:].split(b"\x00", 1)[0].rsplit(b"}", 1)[0] + b"}")
    # The same file with 2 GB of codes, which are a hole and take no room on the disk.
    header["codes"] = {"dtype": "U8", "shape": [size], "data_offsets": [32, 32 + size]}
    header["roles"] = {"dtype": "U8", "shape": [2, 1], "data_offsets": [24, 26]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.write(np.array([0, size], "<i8").tobytes() + bytes(16))
        file.truncate(8 + len(text) + 32 + size)
    script = (
        "import resource, sys; from bioseq_dl.data.examples import read_examples\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "before = peak()\n"
        "examples = read_examples(sys.argv[1])\n"
        "assert examples.codes.shape == (2**31,) and examples.codes[2**30] == 0\n"
        "print(peak() - before)"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], check=True, capture_output=True, cwd=root
    )
    assert int(done.stdout) < 100_000  # kilobytes, of 2 million


def test_reading_examples_loads_no_torch() -> None:
    script = "import sys, bioseq_dl.data.examples; print('torch' in sys.modules)"
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, cwd=root, text=True
    )
    assert done.stdout.strip() == "False"


def _damage(path: Path, what: str) -> None:
    data = bytearray(path.read_bytes())
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    body = data[8 + size :]
    if what == "empty":
        path.write_bytes(b"")
        return
    if what == "cut":
        path.write_bytes(data[:-1])
        return
    if what == "huge header":
        path.write_bytes((2**40).to_bytes(8, "little") + data[8:])
        return
    if what == "no JSON":
        data[8] = ord("x")
        path.write_bytes(data)
        return
    if what == "no codes":
        del header["codes"]
    if what == "other dtype":
        header["targets"]["dtype"] = "F16"
    if what == "negative side":
        header["codes"]["shape"] = [-1]
    if what == "other place":
        header["codes"]["data_offsets"] = [0, 2**40]
    if what == "no metadata":
        del header["__metadata__"]
    if what == "bad targets":
        header["__metadata__"]["targets"] = '{"kind": "colour"}'
    if what == "other letters":
        header["__metadata__"]["alphabet"] = '"ACGU"'
    if what == "falling offsets":
        body[8:16] = (2**20).to_bytes(8, "little")
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(len(text).to_bytes(8, "little") + text + body)


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("empty", "not a whole safetensors file"),
        ("huge header", "not a whole safetensors file"),
        ("no JSON", "header is not JSON"),
        ("cut", "tensor roles: the file is cut short"),
        ("no codes", "tensor codes: a tensor is missing"),
        ("other dtype", r"tensor targets: a tensor has another type; found 'F16 \(3, 2\)'"),
        ("negative side", "tensor codes: a tensor has another type"),
        ("other place", "tensor codes: the file is cut short or its header is wrong"),
        ("no metadata", "metadata of the examples are incomplete"),
        ("bad targets", "damaged examples: 1 validation error for Targets"),
        ("other letters", "examples of another alphabet"),
        ("falling offsets", "damaged examples: offsets must not fall"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, what: str, message: str) -> None:
    path = tmp_path / "examples.safetensors"
    write_examples(path, make_examples([3, 4, 5]))
    _damage(path, what)
    with pytest.raises(InputError, match=message) as error:
        read_examples(path)
    assert str(error.value).startswith(str(path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot read the examples: No such file"):
        read_examples(tmp_path / "none.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"codes": np.zeros(7, np.int64)}, "codes must be uint8"),
        ({"offsets": np.array([0, 3, 8])}, "offsets must run"),
        ({"offsets": np.array([0, 9, 7])}, "offsets must not fall"),
        ({"targets": np.zeros((2, 1), np.float32)}, "targets must be float32"),
        ({"roles": np.zeros((1, 3), np.uint8)}, "roles must be uint8"),
        ({"unknown": "error"}, "unknown must be"),
    ],
)
def test_examples_that_do_not_fit_together_are_refused(
    change: dict[str, object], message: str
) -> None:
    good = make_examples([3, 4])
    fields = {name: getattr(good, name) for name in good.__dataclass_fields__}
    with pytest.raises(ValueError, match=message):
        Examples(**{**fields, **change})
