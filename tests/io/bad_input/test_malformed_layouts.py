"""Every malformed file of places or pathways."""

from __future__ import annotations

import pytest
from malformed_layouts import MALFORMED

from bioseq_dl.errors import InputError


@pytest.mark.parametrize("case", MALFORMED, ids=lambda case: case.name)
def test_malformed_layouts_say_what_is_wrong(case, tmp_path):
    call = case.make(tmp_path)
    with pytest.raises(InputError) as caught:
        call()
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == case.message
    assert "\n" not in str(caught.value)


def test_names_of_malformed_layouts_differ():
    assert len({case.name for case in MALFORMED}) == len(MALFORMED) >= 20
