"""Shared fixtures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bioseq_dl.config import Targets
from bioseq_dl.predictions import name_outputs

REPOSITORY = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets beside a checkout; tests on them skip where it is not."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real data sets are not beside this checkout (looked for {folder.name}/)")
    return folder


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
