"""Every malformed table of variants."""

from __future__ import annotations

import pytest
from malformed_variants import MALFORMED

from bioseq_dl.cli.fetch import list_sources
from bioseq_dl.config import validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.fetch import fetch_all
from bioseq_dl.io.measured_variants import read_variants


def _read(data, folder, step):
    run = validate_config(data).runs["run"]
    assert step != "config"
    files = fetch_all(list_sources(run.ingest), folder / "cache", progress=False)
    read_variants(run.ingest, run.targets, files, folder)


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_malformed_variants_say_what_is_wrong(case, tmp_path):
    data = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        _read(data, tmp_path, case.step)
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == case.message
    assert "\n" not in str(caught.value)


def test_table_is_large_enough_and_its_names_differ():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 35
