"""The section on genes that speak for a class."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from made_saliency import TOP, write_saliency

from bioseq_dl.errors import InputError
from bioseq_dl.report.figures_of_saliency import MOST_PICTURES
from bioseq_dl.report.saliency import read_saliency, tell_saliency


def tell(folder: Path, classes: list[str]) -> Any:
    scored = read_saliency(folder)
    assert scored is not None
    return tell_saliency("cells", scored, {"kind": "multiclass", "classes": classes})


def test_maps_and_genes_of_classes_with_long_names(tmp_path: Path) -> None:
    classes = [f"CD4+/CD45RA+/CD25- Naive T & <{number}>" for number in range(10)]
    write_saliency(tmp_path, classes)
    section = tell(tmp_path, [*classes, "rare"])
    assert "Left out, without a test cell or with fewer than two training cells: rare." in (
        " ".join(section.told)
    )
    assert "Grad-CAM" in section.told[0]
    maps, layout = section.pictures
    for picture in section.pictures:
        words = "".join(ElementTree.fromstring(picture.svg).itertext())
        assert all(name in words for name in classes)
    assert len(maps.numbers) == 10 * 100
    assert "<NA&>" in "".join(ElementTree.fromstring(maps.svg).itertext())
    assert len(layout.numbers) == 90
    assert tell(tmp_path, classes).pictures[0].svg == maps.svg


def test_shared_genes_are_set_bold_and_names_are_escaped(tmp_path: Path) -> None:
    write_saliency(tmp_path, ["a", "NA"], images=False)
    section = tell(tmp_path, ["a", "NA"])
    assert not section.pictures
    assert "Integrated gradients" in section.told[0]
    (table,) = section.tables
    assert [row[0].text for row in table.rows] == ["a", "NA"]
    assert table.rows[0][0].small == "12 test, 1\u202f234 training cells"
    assert table.rows[0][1].names[0] == ("<NA&>", True)
    scored = read_saliency(tmp_path)
    assert scored is not None
    for name, row in zip(("a", "NA"), table.rows, strict=True):
        shared = scored.summary["targets"]["type"][name]["shared"]
        for cell in row[1:3]:
            assert len(cell.names) == TOP
            assert sum(bold for _, bold in cell.names) == shared
            assert cell.text == ", ".join(gene for gene, _ in cell.names)
        assert row[3].text == str(shared)


def test_no_more_than_some_classes_are_drawn(tmp_path: Path) -> None:
    classes = [f"type {number:02}" for number in range(MOST_PICTURES + 3)]
    write_saliency(tmp_path, classes)
    section = tell(tmp_path, classes)
    assert f"{MOST_PICTURES} of {len(classes)} classes are drawn" in " ".join(section.told)
    assert section.pictures[0].numbers["class"].nunique() == MOST_PICTURES
    assert len(section.tables[0].rows) == len(classes)


def test_nothing_was_told(tmp_path: Path) -> None:
    write_saliency(tmp_path, ["a"], images=False)
    path = tmp_path / "saliency.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"targets": {"type": {}}}))
    section = tell(tmp_path, ["a", "b"])
    assert not section.tables
    assert "nothing is told" in " ".join(section.told)


def test_files_that_are_absent_or_damaged(tmp_path: Path) -> None:
    assert read_saliency(None) is None
    assert read_saliency(tmp_path / "none") is None
    write_saliency(tmp_path, ["a"])
    (tmp_path / "genes.tsv").unlink()
    with pytest.raises(InputError, match=r"genes.tsv: no such file.*run saliency again"):
        read_saliency(tmp_path)
