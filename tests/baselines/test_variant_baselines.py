"""Comparisons for variants: mutations, pairs of them, BLOSUM62."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from scipy.stats import spearmanr

from bioseq_dl.baselines import predict_additive, predict_blosum, predict_pairs
from bioseq_dl.baselines.additive import one_hot_places
from bioseq_dl.baselines.mutations import blosum62, pair_features, score_blosum
from bioseq_dl.config import Targets, VariantBaselines
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import ROLES, Examples
from bioseq_dl.errors import InputError

LETTERS = PROTEIN.letters


def make_examples(
    sequences: list[str],
    scores: np.ndarray,
    roles: list[str],
    wild_type: str | None,
    weights: np.ndarray | None = None,
) -> Examples:
    return Examples(
        codes=PROTEIN.encode("".join(sequences).encode()),
        offsets=np.concatenate([[0], np.cumsum([len(text) for text in sequences])]),
        targets=scores.astype(np.float32)[:, None],
        roles=np.array([[ROLES.index(role) for role in roles]], np.uint8),
        spec=Targets(kind="regression", names=("score",)),
        unknown="zeros",
        ids_sha256="",
        alphabet=PROTEIN,
        wild_type=None if wild_type is None else PROTEIN.encode(wild_type.encode()),
        weights=None if weights is None else weights.astype(np.float32),
    )


def landscape(interaction: float) -> Examples:
    """Three places of six letters, additive but for one pair."""
    random = np.random.default_rng(0)
    effects = random.normal(size=(3, 6))
    sequences = ["".join(letters) for letters in product("ACDEFG", repeat=3)]
    codes = np.array([["ACDEFG".index(letter) for letter in text] for text in sequences])
    scores = effects[np.arange(3), codes].sum(axis=1)
    scores += interaction * ((codes[:, 0] == 1) & (codes[:, 1] == 2))
    roles = random.choice(["train", "val", "test"], len(sequences), p=[0.7, 0.1, 0.2])
    return make_examples(sequences, scores, roles.tolist(), "AAA")


def test_wild_types_letters_are_no_features() -> None:
    examples = make_examples(["ACD", "AWX"], np.zeros(2), ["train", "test"], "ACD")
    table = one_hot_places(examples, examples.wild_type)
    assert table.shape == (2, 60)
    assert table.nonzero()[0].tolist() == [1]
    assert table.nonzero()[1].tolist() == [20 + LETTERS.index("W")]


def test_additive_scores_are_found_by_mutations() -> None:
    examples = landscape(0.0)
    found = predict_additive(examples, 0, VariantBaselines(strengths=(100.0,)))
    truth = examples.targets[found.rows, 0]
    assert np.abs(found.outputs[:, 0] - truth).max() < 0.05
    assert found.note.startswith("letters at 3 places, 60 features")


def test_pairs_find_an_interaction_that_mutations_miss() -> None:
    examples = landscape(8.0)
    config = VariantBaselines(strengths=(1.0, 100.0))
    errors = {}
    for name, predict in (("single", predict_additive), ("pairs", predict_pairs)):
        found = predict(examples, 0, config)
        test = examples.roles[0, found.rows] == ROLES.index("test")
        truth = examples.targets[found.rows, 0]
        errors[name] = np.sqrt(np.mean((found.outputs[:, 0] - truth)[test] ** 2))
    assert errors["pairs"] < 0.3 < errors["single"]


def test_pairs_stand_in_two_training_records() -> None:
    single = sparse.csr_array(np.array([[1, 1, 0, 1], [1, 1, 0, 0], [0, 1, 0, 1], [1, 1, 0, 1]]))
    table, count = pair_features(single.astype(np.float32), np.array([0, 1, 2]), 10)
    # (0, 1) stands in rows 0 and 1, (1, 3) in 0 and 2; (0, 3) only in row 0 and the test row 3.
    assert count == 2
    assert table.toarray().tolist() == [[1, 1], [1, 0], [0, 1], [1, 1]]
    table, count = pair_features(single.astype(np.float32), np.array([0, 1, 2]), 1)
    assert (count, table.toarray().ravel().tolist()) == (1, [1, 1, 0, 1])


def test_blosum_by_hand() -> None:
    matrix = blosum62(PROTEIN)
    place = LETTERS.index
    assert matrix[place("W"), place("W")] == 11
    assert matrix[place("A"), place("W")] == matrix[place("W"), place("A")] == -3
    examples = make_examples(["WA", "AA", "XI"], np.zeros(3), ["train"] * 3, "WA")
    found = score_blosum(examples, examples.wild_type)
    # W>A is -3 - 11; X counts 0 less 11, A>I -1 - 4.
    assert found.tolist() == [0.0, -14.0, -16.0]


def test_a_line_through_blosum_ranks_as_blosum() -> None:
    examples = landscape(0.0)
    found = predict_blosum(examples, 0, VariantBaselines())
    scores = score_blosum(examples, examples.wild_type)[found.rows]
    assert abs(spearmanr(found.outputs[:, 0], scores).statistic) == pytest.approx(1)


def test_weights_move_the_fit() -> None:
    sequences, scores = ["AA", "CA", "CA", "CA"], np.array([0.0, 1.0, 3.0, 0.0])
    roles = ["train", "train", "train", "test"]
    outputs = []
    for heavy in (1, 2):
        weights = np.array([1.0, 0, 0, 1])
        weights[heavy] = 1.0
        examples = make_examples(sequences, scores, roles, "AA", weights)
        found = predict_additive(examples, 0, VariantBaselines(strengths=(1e4,)))
        outputs.append(float(found.outputs[0, 0]))
    assert outputs == pytest.approx([1.0, 3.0], abs=0.01)


@pytest.mark.parametrize("predict", [predict_blosum, predict_pairs])
def test_without_a_wild_type_it_says_so(predict) -> None:
    examples = make_examples(["AA", "CA"], np.array([0.0, 1.0]), ["train", "test"], None)
    with pytest.raises(InputError, match=r"needs a wild type; fix: give ingest.wild_type"):
        predict(examples, 0, VariantBaselines())


@pytest.mark.parametrize(
    ("split", "published"),
    [("one_vs_rest", 0.28), ("two_vs_rest", 0.59), ("three_vs_rest", 0.76), ("low_vs_high", 0.34)],
)
def test_ridge_gives_the_published_figures_on_gb1(
    shared_data: Path, split: str, published: float
) -> None:
    folder = shared_data / "protein_variant_effect"
    table = pd.read_csv(folder / "flip_gb1.tsv.gz", sep="\t")
    table = table[table["in_flip"] == 1]
    # The published ridge has learnt from the validation records too.
    roles = table[split].replace("valid", "train").fillna("drop")
    examples = make_examples(
        table["variant"].tolist(), table["fitness"].to_numpy(), roles.tolist(), "VDGV"
    )
    found = predict_additive(examples, 0, VariantBaselines(strengths=(1.0,)))
    test = examples.roles[0, found.rows] == ROLES.index("test")
    rho = spearmanr(found.outputs[test, 0], examples.targets[found.rows[test], 0]).statistic
    assert rho == pytest.approx(published, abs=0.006)
