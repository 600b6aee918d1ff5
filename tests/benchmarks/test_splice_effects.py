"""Broken splice sites: the VCF that breaks them, and what is said of the scores."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from bioseq_dl.config import Model
from bioseq_dl.io.vcf.survey import survey_vcf
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.perturb.engine import prepare


@pytest.fixture(scope="module")
def effects(load_script):
    return load_script("splice/effects.py")


def bed(*rows: tuple[int, int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["start", "label", "strand", "fold"])


def test_every_replacement_of_test_sites_on_the_plus_strand(effects, tmp_path) -> None:
    table = bed(
        (300, 1, "+", "test"), (100, 1, "+", "test"), (150, 0, "+", "test"),
        (200, 1, "-", "test"), (250, 1, "+", "train"),
    )  # fmt: skip
    path = tmp_path / "broken.vcf"
    path.write_text(effects.break_sites("donor", table))
    survey = survey_vcf(path)
    assert survey.is_sorted
    assert survey.records == 2 * (3 + 3 + 9)
    lines = [line.split("\t") for line in path.read_text().splitlines() if line[0] != "#"]
    assert {int(line[1]) for line in lines} == {101, 102, 301, 302}
    first = {(line[3], line[4]) for line in lines if line[2] == "donor_100_first"}
    assert first == {("G", "A"), ("G", "C"), ("G", "T")}
    assert {line[1] for line in lines if line[2] == "donor_100_second"} == {"102"}
    both = {line[4] for line in lines if line[2] == "donor_300_both"}
    assert len(both) == 9
    assert all(alt[0] != "G" and alt[1] != "T" for alt in both)


def test_shares_and_medians_by_change(effects) -> None:
    found = pd.DataFrame(
        {
            "id": ["donor_7_first", "donor_7_first", "donor_7_second", "donor_7_both"],
            "status": ["scored", "unknown_bases", "scored", "scored"],
            "ref:donor": [3.0, np.nan, 2.0, 1.0],
            "diff:donor": [-1.0, np.nan, 0.5, -4.0],
        }
    )
    rows = {row["change"]: row for row in effects.summarise_changes(found, "donor")}
    assert (rows["first"]["variants"], rows["first"]["scored"]) == (2, 1)
    assert rows["first"]["share_lowered"] == 1
    assert rows["second"]["share_lowered"] == 0
    assert rows["both"]["median_difference"] == -4
    assert rows["both"]["median_reference"] == 1


def test_changes_in_place_are_those_of_edited_windows(effects) -> None:
    torch.manual_seed(0)
    layers = Model.model_validate({"conv": [{"channels": 4, "kernel": 3}], "pooling": "flatten"})
    shape = Shape(letters=4, length=6, targets=1, classes=1)
    engine = prepare(build_model(layers, shape).eval(), torch.device("cpu"))
    windows = np.array([[0, 1, 2, 3, 4, 1], [3, 3, 0, 2, 1, 0]], np.uint8)
    changes = effects.mutate_sites([engine, engine], windows)
    edited = windows[1].copy()
    edited[3] = 1
    scores = engine.score_windows(np.stack([windows[1], edited]))[:, 0]
    assert changes[1, 3, 1] == pytest.approx(scores[1] - scores[0], abs=1e-5)
    assert np.isnan(changes[1, 3, 2])  # its own letter
    assert np.isnan(changes[0, 4]).all()  # an unknown one
    assert np.isnan(changes).sum() == 11 + 4


def test_the_middle_is_the_site_and_the_far_is_not(effects) -> None:
    changes = np.zeros((2, 60, 4))
    changes[:, 29], changes[:, 30] = -2, -3
    changes[:, :9], changes[:, 51:] = 1, 1  # more than 20 bases away
    changes[:, 10:29] = 100  # near: in no row
    rows = {r["change"]: r for r in effects.summarise_places(changes, np.array([5.0, 7.0]))}
    assert rows["first"]["median_difference"] == -2
    assert rows["second"]["median_difference"] == -3
    assert rows["elsewhere"]["share_lowered"] == 0
    assert rows["elsewhere"]["q95"] == 1
    assert rows["first"]["median_reference"] == 6
