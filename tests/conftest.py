"""Shared fixtures."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings

from bioseq_dl.config import Targets
from bioseq_dl.predictions import name_outputs

REPOSITORY = Path(__file__).parents[1]

# The same examples in every run: a failure must come from the change, not from the draw.
# New ones are looked for with `pytest --hypothesis-profile=explore`.
settings.register_profile("explore", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)
settings.load_profile("same")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside a checkout; tests on them skip where it is not."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data sets are not beside this checkout (looked for {folder.name}/)")
    return folder


def _mount(*words: str) -> None:
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"mount is not allowed here: {done.stderr.strip()}")


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk of its own that is full; removing ``filler`` makes 16 MB of space."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root")
    folder = tmp_path / "full"
    folder.mkdir()
    _mount("-t", "tmpfs", "-o", "size=16m", "tmpfs", str(folder))
    try:
        with (folder / "filler").open("wb", buffering=0) as handle, suppress(OSError):
            while True:
                handle.write(bytes(4096))
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def read_only() -> Iterator[Callable[[Path], Callable[[], None]]]:
    """A function that makes a folder read-only, for root too, and gives the one that undoes it."""
    with ExitStack() as stack:

        def protect(folder: Path) -> Callable[[], None]:
            undo = ExitStack()
            stack.callback(undo.close)  # at the test's end, where the test does not
            if os.geteuid() != 0:
                undo.callback(folder.chmod, folder.stat().st_mode)
                folder.chmod(0o555)
                return undo.close
            # Permissions do not bind root: a read-only mount does.
            _mount("--bind", str(folder), str(folder))
            undo.callback(subprocess.run, ["umount", "--lazy", str(folder)], check=True)
            _mount("-o", "remount,ro,bind", str(folder))
            return undo.close

        yield protect


@pytest.fixture
def write_predictions() -> Callable[..., None]:
    """A function that writes a predictions.parquet from arrays."""

    def write(
        path: Path,
        targets: Targets,
        ids: Sequence[str],
        roles: Sequence[str],
        truth: np.ndarray,
        outputs: np.ndarray,
        note: str | None = None,
    ) -> None:
        columns = {"id": pa.array(list(ids)), "role": pa.array(list(roles))}
        for place, name in enumerate(targets.names):
            column = truth[:, place].astype(np.float32)
            columns[f"target:{name}"] = pa.array(column, mask=np.isnan(column))
        columns |= {
            name: pa.array(column)
            for name, column in name_outputs(targets, outputs.astype(np.float32)).items()
        }
        table = pa.table(columns)
        if note is not None:
            table = table.replace_schema_metadata({"note": note})
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, path)

    return write
