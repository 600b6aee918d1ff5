"""Mean bins, the wild type, and places that matter against places of sites."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch

from bioseq_dl.config import Model
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.perturb.engine import prepare


@pytest.fixture(scope="module")
def bins(load_script):
    return load_script("lac_promoter/prepare.py")


@pytest.fixture(scope="module")
def sites(load_script):
    return load_script("lac_promoter/sites.py")


def test_mean_bin_is_weighted_by_counts(bins) -> None:
    counts = [[1, 0, 3], [0, 2, 0]]
    table = pd.DataFrame(counts, columns=["ct_0", "ct_2", "ct_1"])  # in no order
    table = table.assign(x=["AC", "GT"], set=["training", "test"])
    found = bins.average_bins(table)
    assert found["mean_bin"].tolist() == [3 / 4, 2.0]
    assert found["sequence"].tolist() == ["AC", "GT"]
    assert found["set"].tolist() == ["training", "test"]


def test_ten_bins_in_the_order_of_their_numbers(bins) -> None:
    table = pd.DataFrame([[0] * 11], columns=[f"ct_{place}" for place in range(11)])
    table["ct_10"] = 1
    assert bins.average_bins(table.assign(x="A", set="test"))["mean_bin"].tolist() == [10.0]


def test_the_wild_type_is_the_most_frequent_letter_of_each_place(sites) -> None:
    assert sites.find_wild_type(pd.Series(["ACGT", "ACGA", "TCCT"])) == "ACGT"


def test_hits_against_chance(sites) -> None:
    importance = np.zeros(75)
    importance[[6, 7, 40, 64, 0]] = [5, 4, 3, 2, 1]
    found = sites.count_hits(importance, sites.SITES, 4)
    assert (found["in_sites"], found["in_CRP"], found["in_-35"], found["in_-10"]) == (4, 2, 1, 1)
    assert found["expected"] == pytest.approx(4 * 28 / 75)
    # Four of the 28 site places without replacement: 28/75 * 27/74 * 26/73 * 25/72.
    assert float(found["p"]) == pytest.approx(0.01684, rel=0.02)
    assert sites.count_hits(importance, sites.SITES, 5)["in_sites"] == 4


def test_places_are_named_half_open(sites) -> None:
    assert [sites.name_site(place) for place in (5, 6, 21, 22)] == [".", "CRP", "CRP", "."]
    assert [sites.name_site(place) for place in (39, 44, 45, 68)] == ["-35", "-35", ".", "-10"]


def test_importance_is_the_change_by_hand(sites) -> None:
    torch.manual_seed(0)
    layers = Model.model_validate({"conv": [{"channels": 4, "kernel": 3}], "pooling": "flatten"})
    shape = Shape(letters=4, length=8, targets=1, classes=1)
    models = [build_model(layers, shape).eval() for _ in range(2)]
    codes = np.array([0, 3, 2, 1, 1, 0, 2, 3], np.uint8)
    engines = [prepare(model, torch.device("cpu")) for model in models]
    size, direction = sites.measure_places(engines, codes)

    def read(window: np.ndarray) -> float:
        return float(np.mean([engine.score_windows(window[None])[0, 0] for engine in engines]))

    changes = []
    for letter in {0, 1, 2, 3} - {int(codes[5])}:
        window = codes.copy()
        window[5] = letter
        changes.append(read(window) - read(codes))
    assert size[5] == pytest.approx(np.mean(np.abs(changes)), abs=1e-5)
    assert direction[5] == pytest.approx(np.mean(changes), abs=1e-5)
    assert size.shape == (8,)
