"""Every malformed input that fetch and ingest find, in the library."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from malformed_inputs import MALFORMED

from bioseq_dl.config import validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all, write_manifest
from bioseq_dl.io.records import write_records, write_rejected
from bioseq_dl.io.sequences import read_records

EARLY = [case for case in MALFORMED if case.step in ("config", "fetch", "ingest")]


def run_ingest(data: dict[str, Any], folder: Path) -> None:
    """What the steps fetch and ingest do, from the config to their files."""
    run = validate_config(data).runs["run"]
    sources = []
    for entry in run.ingest.inputs:
        sources += [
            entry.source,
            *([entry.genome] if entry.format in ("bed", "narrowpeak") else []),
        ]
    files = fetch_all(sources, folder / "cache", progress=False)
    write_manifest(folder / "out" / "sources.json", files)
    found = read_records(run.ingest, run.targets, files, folder / "cache")
    write_rejected(folder / "out" / "rejected.tsv", found.rejected)
    write_records(folder / "out" / "records.parquet", found.records)


@pytest.mark.parametrize("case", EARLY, ids=lambda case: case.name)
def test_malformed_input_says_what_is_wrong_and_leaves_nothing(case, tmp_path):
    data = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        run_ingest(data, tmp_path)
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == case.message
    assert "\n" not in str(caught.value)
    left = {path.name for path in (tmp_path / "out").glob("*")}
    assert left <= {"sources.json"}
    # In the cache only whole files: no part of one.
    assert not [p for p in (tmp_path / "cache").rglob("*") if ".part" in p.name]


def test_table_is_large_enough_and_its_names_differ():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 80
