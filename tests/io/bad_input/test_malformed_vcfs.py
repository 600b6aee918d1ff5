"""Every malformed VCF, in the library."""

from __future__ import annotations

import pytest
from malformed_vcfs import MALFORMED_VCFS

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.survey import survey_vcf


@pytest.mark.parametrize("case", MALFORMED_VCFS, ids=lambda case: case.name)
def test_malformed_vcf_says_what_is_wrong(case, tmp_path):
    path = tmp_path / "in.vcf"
    path.write_bytes(case.data)
    with pytest.raises(InputError) as caught:
        survey_vcf(path)
    assert case.fits(str(caught.value).replace(str(path), "{file}"))


def test_table_is_large_enough_and_its_names_differ():
    assert len({case.name for case in MALFORMED_VCFS}) == len(MALFORMED_VCFS) >= 60


def test_missing_file(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        survey_vcf(tmp_path / "none.vcf")
    with pytest.raises(InputError, match="cannot read the file"):
        survey_vcf(tmp_path)
