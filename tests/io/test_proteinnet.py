"""DSSP strings of ProteinNet as the wheel of sidechainnet lays them out."""

from __future__ import annotations

import io
import json
import zipfile

import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.io.packages import open_member
from bioseq_dl.io.proteinnet import CHAINS, LISTS, NO_CHAIN, read_proteinnet, read_proteinnet_list

ENTRIES = {
    "1ABC_1_A": {"Sequence": "MKVL", "DSSP": "LHHT"},
    "2ABC_1_A": {"Sequence": "MSE", "DSSP": "LL"},
    "1AEP_1_A": {"Sequence": "AAG", "DSSP": "EBS", "SCCS": "a.1"},
}
CSV = b"pnid,casp7_training_30,casp7_validation\n1ABC_1_A,1,0\n10#1AEP_1_A,0,1\n9XYZ_1_A,1,0\n"


def as_file(entries, **layout):
    return io.BytesIO(json.dumps(entries, **layout).encode())


@pytest.mark.parametrize("layout", [{"indent": "\t"}, {"indent": 4}, {"indent": 2}, {}])
def test_any_layout_of_the_json(layout):
    found = read_proteinnet(as_file(ENTRIES, **layout), split="train")
    assert [protein.id for protein in found.proteins] == ["1ABC_1_A", "1AEP_1_A"]
    assert [protein.q8 for protein in found.proteins] == ["CHHT", "EBS"]
    assert found.proteins[0].q3 == "CHHC"
    assert found.proteins[0].split == "train"
    assert found.proteins[0].resolved is None  # the file does not say
    assert list(found.reasons.values()) == [1]


def test_a_list_is_looked_up_in_a_wheel(tmp_path):
    wheel = tmp_path / "sidechainnet-1.0.1-py2.py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(CHAINS, json.dumps(ENTRIES, indent="\t"))
        archive.writestr(LISTS, CSV)
    with open_member(wheel, LISTS) as handle:
        training = read_proteinnet_list(handle, "casp7_training_30")
    assert training == ["1ABC_1_A", "9XYZ_1_A"]
    with open_member(wheel, CHAINS) as handle:
        found = read_proteinnet(handle, ids=training)
    assert [protein.id for protein in found.proteins] == ["1ABC_1_A"]
    assert found.reasons == {NO_CHAIN: 1}
    with open_member(wheel, LISTS) as handle:
        validation = read_proteinnet_list(handle, "casp7_validation")
    with open_member(wheel, CHAINS) as handle:
        found = read_proteinnet(handle, ids=validation)
    assert [protein.id for protein in found.proteins] == ["10#1AEP_1_A"]


def test_reading_stops_at_the_limit():
    text = json.dumps(ENTRIES, indent="\t").encode()
    cut = io.BytesIO(text[: text.index(b"2ABC")])
    assert len(read_proteinnet(cut, limit=1).proteins) == 1
    with pytest.raises(InputError, match="cut short"):
        read_proteinnet(io.BytesIO(text[:-1]))


def test_an_unknown_list_names_those_there_are():
    with pytest.raises(InputError) as caught:
        read_proteinnet_list(io.BytesIO(CSV), "casp9_training_30")
    assert str(caught.value) == (
        "sidechainnet/resources/all_proteinnet_ids.csv: no such list; "
        "found 'casp9_training_30'; allowed: casp7_training_30, casp7_validation"
    )
