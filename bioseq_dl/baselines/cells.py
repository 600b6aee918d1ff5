"""Comparisons on cells: logistic regression, a random forest, neighbours among components."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.neighbors import NearestNeighbors

from bioseq_dl.baselines.linear import fit_linear
from bioseq_dl.baselines.prior import prior_output
from bioseq_dl.baselines.rows import Predicted, find_rows, labelled
from bioseq_dl.config import CellBaselines
from bioseq_dl.encode.cells import CellExamples

Floats = NDArray[np.float64]


def predict_logistic(examples: CellExamples, fold: int, config: CellBaselines) -> Predicted:
    """Fit logistic or ridge regression on the scaled genes; see `fit_linear`."""
    rows = find_rows(examples, fold)
    features = examples.gather(np.arange(len(examples)), fold)
    balanced = config.class_weights == "balanced"
    outputs, chosen = fit_linear(examples, rows, features, config.strengths, balanced=balanced)
    return Predicted(rows.judged, outputs, f"{_genes(examples, fold)}{_weights(config)}; {chosen}")


def predict_forest(examples: CellExamples, fold: int, config: CellBaselines) -> Predicted:
    """Fit a random forest (Breiman 2001) on the scaled genes.

    Probabilities are the share of the trees' leaves, kept half a tree away from 0 and 1.
    """
    rows = find_rows(examples, fold)
    spec = examples.spec
    features = examples.gather(rows.judged, fold)
    outputs = []
    for target in range(len(spec.names)):
        train, truth = labelled(examples, rows.train, target)
        if len(np.unique(truth)) < 2:
            constant = prior_output(spec.kind, truth, len(spec.classes))
            outputs.append(np.repeat(constant[None], len(rows.judged), axis=0))
            continue
        options = {"n_estimators": config.trees, "random_state": config.seed, "n_jobs": 1}
        if spec.kind == "regression":
            model = RandomForestRegressor(**options).fit(examples.gather(train, fold), truth)
            outputs.append(model.predict(features))
            continue
        weights = "balanced" if config.class_weights == "balanced" else None
        model = RandomForestClassifier(**options, class_weight=weights)
        model.fit(examples.gather(train, fold), truth)
        shares = np.zeros((len(features), max(len(spec.classes), 2)))
        shares[:, model.classes_.astype(np.int64)] = model.predict_proba(features)
        outputs.append(_log_shares(spec.kind, shares, config.trees))
    note = f"{_genes(examples, fold)}{_weights(config)}; {config.trees} trees, seed {config.seed}"
    return Predicted(rows.judged, np.stack(outputs, axis=1).astype(np.float32), note)


def predict_pca(examples: CellExamples, fold: int, config: CellBaselines) -> Predicted:
    """Let the nearest training cells among principal components vote.

    Components are fitted on the training cells; their number is cut to what these allow. All
    cells of the fold are embedded, for what is compared with a network's embedding.
    """
    rows = find_rows(examples, fold)
    spec = examples.spec
    assert config.pca is not None
    used = np.sort(np.concatenate([rows.train, rows.judged]))
    values = examples.gather(used, fold)
    learnt = values[np.searchsorted(used, rows.train)]
    count = min(config.pca, *learnt.shape)
    components = PCA(count, svd_solver="randomized", random_state=config.seed).fit(learnt)
    embedding = components.transform(values).astype(np.float32)
    outputs = []
    for target in range(len(spec.names)):
        train, truth = labelled(examples, rows.train, target)
        if not len(train):
            constant = prior_output(spec.kind, truth, len(spec.classes))
            outputs.append(np.repeat(constant[None], len(used), axis=0))
            continue
        number = min(config.neighbours, len(train))
        search = NearestNeighbors(n_neighbors=number).fit(embedding[np.searchsorted(used, train)])
        near = truth[search.kneighbors(embedding, return_distance=False)]
        if spec.kind == "regression":
            outputs.append(near.mean(axis=1))
            continue
        classes = np.arange(max(len(spec.classes), 2))
        shares = (near[:, :, None] == classes).mean(axis=1)
        outputs.append(_log_shares(spec.kind, shares, number))
    note = f"{_genes(examples, fold)}; {count} components, {config.neighbours} neighbours"
    return Predicted(used, np.stack(outputs, axis=1).astype(np.float32), note, embedding)


def _genes(examples: CellExamples, fold: int) -> str:
    return f"the {len(examples.transforms[fold].genes):,} genes of the network"


def _weights(config: CellBaselines) -> str:
    return "; classes weighted by the inverse of their share" * (config.class_weights == "balanced")


def _log_shares(kind: str, shares: Floats, votes: int) -> Floats:
    """Give logits (n,) or (n, classes) of shares of so many votes, none of them 0 or 1."""
    lowest = 0.5 / votes
    logs = np.log(np.clip(shares, lowest, None))
    if kind == "multiclass":
        return np.asarray(logs)
    kept = np.clip(shares, lowest, 1 - lowest)
    return np.asarray(np.log(kept[:, 1]) - np.log(kept[:, 0]))
