"""The report's section on explained models: its words, tables and pictures."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from bioseq_dl.errors import InputError
from bioseq_dl.report.explain import read_explained, tell_explained
from bioseq_dl.report.figures_of_explain import (
    MOST_PICTURES,
    choose_stretch,
    draw_window,
    locate,
    tabulate_window,
)

SVG = "{http://www.w3.org/2000/svg}"


def make_window(
    length: int = 60,
    methods: tuple[str, ...] = ("mutagenesis",),
    place: dict[str, Any] | None = None,
    peak: int | None = None,
    **changes: Any,
) -> dict[str, Any]:
    draw = np.random.default_rng(length)
    found = {}
    for name in methods:
        values = draw.normal(size=length) * 0.1
        if peak is not None:
            values[peak : peak + 8] += 5
        found[name] = {"contribution": values.tolist(), "sd": None}
    return {
        "kind": "record" if place is None else "interval",
        "id": "bound/s1",
        "target": "bound",
        "sequence": "".join(draw.choice(list("ACGT"), length)),
        "score": 3.25,
        "place": place,
        "methods": found,
        "changes": draw.normal(size=(length, 4)).tolist() if "mutagenesis" in methods else None,
    } | changes


def make_summary(**changes: Any) -> dict[str, Any]:
    return {
        "settings": {"methods": ["mutagenesis", "deeplift"], "references": 20, "role": "test"},
        "scale": "logit",
        "models": [{"seed": 1}, {"seed": 2}],
        "outputs": ["bound"],
        "records": [],
        "counts": {"record": 3, "interval": 1, "sequence": 0},
        "agreement": {
            "models": [
                {"kind": "record", "target": "bound", "method": "mutagenesis", "correlation": 0.9},
                {"kind": "record", "target": "bound", "method": "deeplift", "correlation": 0.7},
            ],
            "methods": [
                {
                    "kind": "record",
                    "target": "bound",
                    "methods": ["mutagenesis", "deeplift"],
                    "correlation": None,
                }
            ],
        },
        "sum_errors": {"deeplift": 1e-7},
        "notes": ["some windows are padded"],
        "motifs": None,
    } | changes


def make_motif(name: str, kind: str, called: bool) -> dict[str, Any]:
    pwm = np.full((6, 4), 0.05)
    pwm[np.arange(6), [0, 1, 2, 3, 0, 1]] = 0.85
    match = {"id": "MA1.1", "name": "FOS", "family": "Fos-related", "p": 1e-6, "q": 1e-3,
             "offset": 0, "overlap": 6, "strand": "+", "called": called,
             "pwm": pwm.tolist()}  # fmt: skip
    return {"name": name, "kind": kind, "consensus": "ACGTAC", "information": 8.1, "sites": 40,
            "pwm": pwm.tolist(), "contributions": None, "matches": [match]}  # fmt: skip


def write(folder: Path, summary: dict[str, Any], windows: list[dict[str, Any]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "explain.json").write_text(json.dumps(summary))
    (folder / "windows.json").write_text(json.dumps(windows))
    return folder


def texts(svg: str) -> list[str]:
    return ["".join(item.itertext()).strip() for item in ElementTree.fromstring(svg).iter(f"{SVG}text")]  # noqa: E501  # fmt: skip


def test_not_run_is_nothing(tmp_path: Path) -> None:
    assert read_explained(None) is None
    assert read_explained(tmp_path) is None


def test_what_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, make_summary(), [make_window()])
    explained = read_explained(folder)
    assert explained is not None
    section = tell_explained("peaks", explained)
    assert section.key == "explain"
    assert section.told[0] == (
        "2 models are explained together, base by base on 3 records and 1 interval (the test "
        "records of fold 0 with the highest output of each target). The output that is "
        "explained is the logit."
    )
    assert "less than 0.1% of its size" in section.told[1]
    assert section.told[2] == (
        "Contributions by two of the models correlate by 0.700 to 0.900 (Pearson, over all bases)."
    )
    assert "Some windows are padded." in section.told
    (table,) = section.tables
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["bound", "records", "Mutagenesis: two models", "0.900"],
        ["bound", "records", "DeepLIFT: two models", "0.700"],
        ["bound", "records", "Mutagenesis and DeepLIFT", "–"],
    ]
    assert [picture.key for picture in section.pictures] == ["explained_1"]


def test_one_model_by_one_method_has_no_agreement(tmp_path: Path) -> None:
    summary = make_summary(models=[{}], agreement={"models": [], "methods": []})
    explained = read_explained(write(tmp_path, summary, []))
    assert explained is not None
    section = tell_explained("peaks", explained)
    assert section.told[0].startswith("One model is explained, base by base")
    assert not section.tables
    assert not section.pictures


def test_motifs_are_told_drawn_and_listed(tmp_path: Path) -> None:
    searched = [
        {"target": name, "folder": name, "method": "deeplift", "sequences": 500, "motifs": 2}
        for name in ("a", "b")
    ]
    folder = write(tmp_path, make_summary(motifs=searched), [])
    motifs = [make_motif("positive_1", "seqlets", True), make_motif("filter_3", "filter", False)]
    findings = {"motifs": motifs, "silent_filters": 1, "vague_filters": 2, "q_value": 0.05,
                "database": "JASPAR2024 CORE vertebrates", "notes": []}  # fmt: skip
    for name in ("a", "b"):
        (folder / name).mkdir()
        (folder / name / "motifs.json").write_text(json.dumps(findings))
    explained = read_explained(folder)
    assert explained is not None
    section = tell_explained("peaks", explained)
    assert (
        "Motifs for a in the contributions (DeepLIFT) of 500 sequences: 1, of which 1 match "
        "JASPAR2024 CORE vertebrates (q up to 0.05). Motifs of first-layer filters: 1, of which "
        "0 match."
    ) in section.told
    assert [table.title for table in section.tables[1:]] == ["Motifs of a", "Motifs of b"]
    first, second = section.tables[1].rows
    assert [cell.text for cell in first] == ["positive 1", "ACGTAC", "40", "8.1", "FOS", "0.001"]
    assert first[4].small == "MA1.1 · Fos-related"
    assert (first[5].tone, second[5].tone) == ("good", "")
    assert {picture.key for picture in section.pictures} == {
        "motifs_1_seqlets", "motifs_2_seqlets"
    }  # fmt: skip
    (folder / "b" / "motifs.json").unlink()
    with pytest.raises(InputError, match=r"b/motifs.json: no such file"):
        read_explained(folder)


def test_damaged_files_are_named(tmp_path: Path) -> None:
    folder = write(tmp_path, make_summary(), [])
    (folder / "windows.json").write_text("[")
    with pytest.raises(InputError, match=r"windows.json: not valid JSON"):
        read_explained(folder)


def test_no_more_pictures_than_a_page_bears(tmp_path: Path) -> None:
    windows = [make_window(20) for _ in range(MOST_PICTURES + 3)]
    explained = read_explained(write(tmp_path, make_summary(), windows))
    assert explained is not None
    section = tell_explained("peaks", explained)
    assert len(section.pictures) == MOST_PICTURES
    assert any(f"{MOST_PICTURES} of {MOST_PICTURES + 3} sequences" in text for text in section.told)


def test_a_picture_of_every_method_and_mutation() -> None:
    window = make_window(120, ("deeplift", "mutagenesis"))
    picture = draw_window("peaks", window, "logit", "explained_1")
    assert picture.full
    found = texts(picture.svg)
    assert found.count("Mutagenesis") == found.count("DeepLIFT") == 1
    assert found.index("Mutagenesis") < found.index("DeepLIFT")
    assert {"0", "20", "100"} <= set(found)
    assert "Position in the sequence, from 0" in found
    assert picture.svg.count("<image") == 2  # the map and what its colours mean
    assert picture.caption == (
        "The output (logit) is 3.250. Letters: what each base contributes, by mutagenesis and "
        "DeepLIFT. Map: how much each substitution changes the output; dots: the sequence itself."
    )
    for _ in range(4):  # the layout is not solved to the last bit the same each time
        assert draw_window("peaks", window, "logit", "explained_1").svg == picture.svg
    without = draw_window("peaks", make_window(40, ("deeplift",)), "logit", "explained_1")
    assert without.wide
    assert not without.full
    assert "<image" not in without.svg
    assert "Map" not in without.caption


def test_long_sequences_show_what_contributes_most() -> None:
    window = make_window(1000, ("mutagenesis", "integrated_gradients", "deeplift"), peak=700)
    start, end = choose_stretch(window)
    assert end - start == 100
    assert abs((start + end) / 2 - 704) < 10
    picture = draw_window("peaks", window, "logit", "explained_1")
    assert f"around what contributes most (from position {start}" in picture.caption
    assert len(picture.numbers) == 1000
    assert choose_stretch(make_window(120)) == (0, 120)


def test_pictures_stay_small() -> None:
    window = make_window(120, ("mutagenesis", "integrated_gradients", "deeplift"))
    assert len(draw_window("peaks", window, "logit", "explained_1").svg) < 300_000


def test_positions_on_a_genome() -> None:
    place = {"chrom": "chr20", "start": 1000, "end": 1060, "strand": "+"}
    plus = make_window(place=place)
    assert locate(plus)[[0, -1]].tolist() == [1000, 1059]
    minus = make_window(place=place | {"strand": "-"})
    assert locate(minus)[[0, -1]].tolist() == [1059, 1000]
    found = texts(draw_window("peaks", minus, "logit", "e").svg)
    assert "Position on chr20, from 0 as in BED (minus strand)" in found
    labels = [text for text in found if re.fullmatch(r"1,0\d\d", text)]
    assert labels == ["1,050", "1,040", "1,030", "1,020", "1,010", "1,000"]
    table = tabulate_window(minus)
    assert table["genome_position"].tolist() == list(range(1059, 999, -1))
    assert table.columns.tolist() == [
        "position", "chrom", "genome_position", "letter", "mutagenesis",
        "change to A", "change to C", "change to G", "change to T",
    ]  # fmt: skip


def test_nothing_contributes_and_unknown_letters() -> None:
    flat = make_window(20, sequence="N" * 20, changes=np.zeros((20, 4)).tolist())
    flat["methods"]["mutagenesis"] = {"contribution": [0.0] * 20, "sd": [0.0] * 20}
    picture = draw_window("peaks", flat, "logit", "e")
    assert "mutagenesis sd" in picture.numbers.columns
    ElementTree.fromstring(picture.svg)
