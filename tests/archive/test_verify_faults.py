"""Archives whose hashes all fit, and which are not what they say: one line each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import torch

from bioseq_dl.archive import crate, manifest
from bioseq_dl.archive.contents import Result, list_needed
from bioseq_dl.archive.export import export_run
from bioseq_dl.archive.verify import verify_archive
from bioseq_dl.archive.zip_file import write_zip
from bioseq_dl.cli.main import main
from bioseq_dl.config import Model, Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.parquet import write_parquet
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, write_checkpoint

Repack = Callable[..., Path]
DEEP = b"[" * 100_000


@pytest.fixture
def refused(capfd: pytest.CaptureFixture[str]) -> Callable[[Path, str], None]:
    def check(path: Path, words: str) -> None:
        assert main(["verify", str(path)]) == 2
        told = capfd.readouterr().err
        assert len(told.splitlines()) == 1, told
        assert words in told
        assert str(path) in told

    return check


Refused = Callable[[Path, str], None]


def test_what_was_made_again_passes(repack: Repack) -> None:
    verify_archive(repack())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"a: [", "config.yaml: not valid YAML; found"),
        (b"a: !!python/name:os.system x", "config.yaml: not valid YAML; found"),
        (b"a: 2026-06-31", "config.yaml: not valid YAML; found"),
        (b"a: \x00", "config.yaml: not valid YAML; found"),
        (DEEP, "config.yaml: not valid YAML; found"),
        (b"a: \xff", "config.yaml: the config is not UTF-8 text"),
        (b"", "config.yaml: a config is a mapping"),
        (b"[1]", "config.yaml: a config is a mapping"),
        (b"1: 2", "config.yaml"),
    ],
)
def test_configs(repack: Repack, refused: Refused, text: bytes, words: str) -> None:
    refused(repack(**{"config.yaml": text, "results/config.yaml": text}), words)


@pytest.mark.parametrize("text", [b"", b"a: [", b"runs: {}", None])
def test_the_config_that_reproduce_reads(
    repack: Repack, refused: Refused, text: bytes | None
) -> None:
    words = "a file is missing" if text is None else "not the same as config.yaml"
    refused(repack(**{"results/config.yaml": text}), f"'results/config.yaml': {words}")


@pytest.mark.parametrize(
    "text",
    [
        b'{"format": 1, "files": {"a": {"sha256": "", "bytes": Infinity}}, "left_out": {}}',
        b'{"format": 1, "run": "cnn", "version": "1\\n2", "files": {}, "left_out": {}}',
        b'{"format": 1, "run": "cnn", "version": "\\ud800", "files": {}, "left_out": {}}',
        DEEP,
        b"\xff",
        b"null",
    ],
)
def test_manifests(repack: Repack, refused: Refused, text: bytes) -> None:
    refused(repack(**{manifest.NAME: text}), "'manifest.json': damaged")


@pytest.mark.parametrize(
    "text",
    [
        *(DEEP, b"[1]", b"5", b'{"@graph": [1]}', b'{"@graph": [{"@id": 1}]}', b"\xff", b'"x"'),
        b'{"@context": [[]], "@graph": []}',
    ],
)
def test_metadata(repack: Repack, refused: Refused, text: bytes) -> None:
    refused(repack(**{crate.NAME: text}), "no valid RO-Crate metadata")


def needed(result: Result) -> list[str]:
    found = [path.relative_to(result.results).as_posix() for path in list_needed(result)]
    return [f"results/{name}" for name in found]


def test_files_that_every_run_has(result: Result, repack: Repack, refused: Refused) -> None:
    assert len(needed(result)) == 9
    for name in needed(result):
        words = "the run is not finished: no such file; fix: export it again"
        refused(repack(**{name: None}), words)


@pytest.mark.parametrize("content", [b"", b"junk", b"[1]"])
def test_junk(result: Result, repack: Repack, refused: Refused, content: bytes) -> None:
    json = "not what the step wrote" if content == b"[1]" else "not valid JSON"
    words = {".json": json, ".parquet": "not a readable Parquet file"}
    for name in needed(result):
        if not name.endswith(".pt"):
            refused(repack(**{name: content}), words[Path(name).suffix])


def test_a_model_that_is_none(repack: Repack, refused: Refused) -> None:
    refused(repack(**{"results/runs/cnn/fold0/seed1/model.pt": b"junk"}), "cannot be restored")


def damaged_zip(path: Path, value: str) -> None:
    """Write a zip whose directory holds other bytes where the name, or the version, stands."""
    write_zip(path, {"é.txt": b"", manifest.NAME: b"{}"})
    whole = path.read_bytes()
    if value == "name":
        path.write_bytes(whole.replace("é".encode(), b"\xff\xff"))
    else:
        place = whole.index(b"PK\x01\x02") + 6
        path.write_bytes(whole[:place] + b"\xff" + whole[place + 1 :])


@pytest.mark.parametrize("value", ["name", "version"])
def test_directories_that_cannot_be_read(
    result: Result, tmp_path: Path, refused: Refused, value: str
) -> None:
    path = tmp_path / "damaged.zip"
    damaged_zip(path, value)
    refused(path, "not a zip archive, or cut short")
    with pytest.raises(InputError, match="the file is there, and no archive of a run"):
        export_run(result, [], path)


def test_no_changed_byte_is_a_traceback(tmp_path: Path) -> None:
    path = tmp_path / "run.zip"
    write_zip(path, {"a.txt": b"abc", manifest.NAME: b"{}"})
    whole = path.read_bytes()
    for place, old in enumerate(whole):
        for new in {0, 127, 128, 255, old ^ 1, old ^ 8, old ^ 64} - {old}:
            path.write_bytes(whole[:place] + bytes([new]) + whole[place + 1 :])
            with pytest.raises(InputError):
                verify_archive(path)


def write_model(path: Path) -> None:
    """A network that was never trained."""
    torch.manual_seed(0)
    layers = Model.model_validate({"conv": [{"channels": 2, "kernel": 3}]})
    shape = Shape(letters=4, length=20, targets=1, classes=1)
    weights = build_model(layers, shape).state_dict()
    targets = Targets(names=("bound",))
    write_checkpoint(path, Checkpoint("dna_sequence", layers, shape, targets, "zeros", weights, {}))


def test_a_model_of_other_values(result: Result, tmp_path: Path, refused: Refused) -> None:
    path, out = result.folder / "fold0" / "seed1" / "model.pt", tmp_path / "run.zip"
    write_model(path)
    export_run(result, [], out)
    assert main(["verify", str(out)]) == 0
    for key, value in (
        ("weights", [1]),
        ("weights", {1: 2}),
        ("shape", "[]"),
        ("shape", "[" * 9999),
    ):
        write_model(path)
        data = torch.load(path, weights_only=True)
        torch.save(data | {key: value}, path)
        export_run(result, [], out)
        refused(out, "model.pt': a model cannot be restored; found")


def test_predictions_of_other_values(
    result: Result, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder, out = result.folder / "fold0" / "seed1", tmp_path / "run.zip"
    write_model(folder / "model.pt")
    others: tuple[dict[str, list[str]], ...] = (
        {},
        {"target:bound": ["0", "1"], "output:bound": ["x", "y"]},
    )
    for columns in others:
        table = pa.table({"id": ["a", "b"], "role": ["val", "test"]} | columns)
        write_parquet(folder / "predictions.parquet", table)
        export_run(result, [], out, with_data=True)
        assert main(["verify", str(out)]) == 2
        told = capfd.readouterr().err.splitlines()[-1]
        assert told.startswith(f"error: {out}: the metrics cannot be judged again")
