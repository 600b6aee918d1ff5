"""The picture of a protein."""

from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.io.labelled_proteins import make_protein
from bioseq_dl.io.psipred import PredictedProtein
from bioseq_dl.report.residues import draw_protein


def predict(n, states, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(states), n)


def test_strings_probabilities_and_caption():
    n = 70
    predicted = PredictedProtein(
        id="1abc/A", sequence="MKVLAGWHYS" * 7, q3=predict(n, 3), disorder=np.full(n, 0.2)
    )
    called = predicted.q3.argmax(axis=1)
    labels = "".join("HEC"[code] for code in called[:60]) + "?" * 10
    true = make_protein(name="1abc/A", sequence=predicted.sequence, q3=labels)
    picture = draw_protein(predicted, true)
    assert picture.key == "protein_1abc-A"
    assert "60 of 60 labelled residues are right; 10 without a label" in picture.caption
    assert "disorder" in picture.caption
    assert picture.svg.count(">W</text>") + picture.svg.count(">W<") >= 7
    assert list(picture.numbers.columns) == [
        *("position", "residue", "predicted", "true"),
        *("P(H)", "P(E)", "P(C)", "P(disorder)"),
    ]
    assert picture.numbers["true"].tolist()[60:] == [""] * 10
    assert draw_protein(predicted, true).svg == picture.svg


def test_eight_states_and_a_long_protein_is_cut():
    predicted = PredictedProtein(id="p", sequence="A" * 130, q8=predict(130, 8))
    picture = draw_protein(predicted, most=60)
    assert "The first 60 of 130 residues" in picture.caption
    assert len(picture.numbers) == 130
    assert set(picture.numbers["predicted"]) <= set("GHIBESTC")
    assert "true" not in picture.numbers
    assert ">61<" not in picture.svg
    with pytest.raises(ValueError, match="130 residues predicted, 1 known"):
        draw_protein(predicted, make_protein(name="p", sequence="M", q3="H"))


def test_one_residue_is_drawn():
    predicted = PredictedProtein(id="p", sequence="M", q3=np.array([[0.2, 0.3, 0.5]]))
    assert draw_protein(predicted).numbers["predicted"].tolist() == ["C"]
