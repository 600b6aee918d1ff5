"""Every malformed matrix of expression."""

from __future__ import annotations

import pytest
from malformed_matrices import MALFORMED

from bioseq_dl.errors import InputError

# Some cases write what anndata warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Variable names are not unique")


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_malformed_matrices_say_what_is_wrong(case, tmp_path):
    call = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == case.message
    assert "\n" not in str(caught.value)


def test_table_of_matrices_is_large_enough_and_its_names_differ():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 25
