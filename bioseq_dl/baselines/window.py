"""Linear models of the residues around each: what a sequence says without a deep network.

A window of one-hot residues, as the first networks for secondary structure read (Qian & Sejnowski
1988, J. Mol. Biol. 202:865), with logistic regression for states and masks and ridge regression
for numbers.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, special
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from bioseq_dl.baselines.residue_prior import constant_outputs, logit
from bioseq_dl.baselines.rows import Predicted, Rows, find_rows
from bioseq_dl.config import HEADS, ResidueBaselines
from bioseq_dl.encode.examples import Examples

Floats = NDArray[np.float64]
STRENGTHS = (0.01, 0.1, 1.0)
"""Inverse regularisation strengths tried; the best on validation is kept."""
CHUNK = 100_000
"""Residues whose windows are held at once when predicting."""
ITERATIONS = 200


def predict_window(examples: Examples, fold: int, config: ResidueBaselines) -> Predicted:
    """Fit each head on windows of train, choose its strength on val, predict val and test.

    Parameters
    ----------
    examples : Examples
        Of labelled residues.
    fold : int
        Whose roles.
    config : ResidueBaselines
        The window's width, how many residues are drawn of train (and as many of val), the seed.
    """
    width = config.window
    assert width is not None
    rows = find_rows(examples, fold)
    generator = np.random.default_rng(config.seed)
    train = examples.target_rows(rows.train)
    val = examples.target_rows(rows.val)
    judged = examples.target_rows(rows.judged)
    parts, notes = [], []
    for name in examples.spec.names:
        places = [examples.spec.labels.index(label) for label in HEADS[name].labels]
        # Each label its own fit: phi may be known where psi is not.
        fits = []
        for place in places:
            fitted = _draw(examples, train, place, config.window_residues, generator)
            chosen = _draw(examples, val, place, config.window_residues, generator)
            model, note = _choose(examples, name, place, fitted, chosen, width)
            fits.append(model)
            notes.append(f"{examples.spec.labels[place]}: {note}")
        outputs = [
            np.concatenate([model(windows) for model in fits], axis=1)
            for windows in _cut_all(examples, judged, width)
        ]
        shape = (0, len(HEADS[name].outputs))
        parts.append(np.concatenate(outputs) if outputs else np.empty(shape))
    note = f"one-hot windows of {width} residues; " + "; ".join(notes)
    return Predicted(rows.judged, np.concatenate(parts, axis=1).astype(np.float32), note)


def cut_windows(examples: Examples, positions: Rows, width: int) -> sparse.csr_array:
    """Give the residues around some positions, one-hot.

    Parameters
    ----------
    examples : Examples
        Of proteins.
    positions : int64 (n,)
        Places among all letters of the examples.
    width : int
        Odd; as many residues on either side.

    Returns
    -------
    csr_array of float64, shape (n, width * (letters + 2))
        `width` ones a row: at each place an amino acid, the unknown one, or "beyond the end".
    """
    beyond = len(examples.alphabet.letters) + 1
    owner = np.searchsorted(examples.offsets, positions, side="right") - 1
    starts, ends = examples.offsets[owner], examples.offsets[owner + 1]
    steps = np.arange(width) - width // 2
    places = positions[:, None] + steps
    inside = (places >= starts[:, None]) & (places < ends[:, None])
    codes = np.full(places.shape, beyond, np.int64)
    codes[inside] = examples.codes[places[inside]]
    columns = (codes + np.arange(width) * (beyond + 1)).ravel()
    edges = np.arange(len(positions) + 1) * width
    shape = (len(positions), width * (beyond + 1))
    return sparse.csr_array((np.ones(len(columns)), columns, edges), shape=shape)


def _cut_all(examples: Examples, positions: Rows, width: int) -> Iterator[sparse.csr_array]:
    for start in range(0, len(positions), CHUNK):
        yield cut_windows(examples, positions[start : start + CHUNK], width)


def _draw(
    examples: Examples, positions: Rows, place: int, most: int, generator: np.random.Generator
) -> Rows:
    """Draw positions with a label, in order."""
    known: Rows = positions[~np.isnan(examples.targets[positions, place])]
    if len(known) > most:
        known = np.sort(generator.choice(known, most, replace=False))
    return known


def _choose(
    examples: Examples, name: str, place: int, train: Rows, val: Rows, width: int
) -> tuple[Callable[[sparse.csr_array], Floats], str]:
    """Give the fitted model as windows to outputs, shape (n, outputs of the label)."""
    head = HEADS[name]
    truth = np.asarray(examples.targets[train, place], np.float64)
    kind = "number" if head.measure in ("share", "angles") else "class"
    if len(np.unique(truth)) < 2:
        column = np.full((len(truth), len(head.labels)), np.nan)
        column[:, head.labels.index(examples.spec.labels[place])] = truth
        each = len(head.outputs) // len(head.labels)
        first = head.labels.index(examples.spec.labels[place]) * each
        constant = constant_outputs(name, column)[first : first + each]
        told = "the prior, as training labels are all equal or missing"
        return lambda windows: np.repeat(constant[None], windows.shape[0], axis=0), told
    windows = cut_windows(examples, train, width)
    wanted = _make_wanted(head.measure, truth)
    strengths = STRENGTHS if len(val) else STRENGTHS[1:2]
    val_windows = cut_windows(examples, val, width)
    val_truth = np.asarray(examples.targets[val, place], np.float64)
    best: tuple[float, float, Any] | None = None
    for strength in strengths:
        model = _fit(kind, windows, wanted, strength)
        loss = _measure_loss(head.measure, model, val_windows, val_truth) if len(val) else 0.0
        if best is None or loss < best[0]:
            best = (loss, strength, model)
    assert best is not None
    loss, strength, model = best
    states = len(head.states) if head.measure == "states" else 2
    apply = _make_apply(head.measure, model, states, len(truth))
    if not len(val):
        return apply, f"strength {strength:g}, unseen, as validation holds no labels"
    told = "squared error" if kind == "number" else "log loss"
    tried = ", ".join(f"{value:g}" for value in strengths)
    note = f"{len(train)} residues, strength {strength:g} of {tried} (validation {told} {loss:.4f})"
    return apply, note


def _make_wanted(measure: str, truth: Floats) -> Floats:
    if measure == "angles":
        return np.stack([np.sin(truth), np.cos(truth)], axis=1)
    return truth


def _fit(kind: str, windows: sparse.csr_array, wanted: Floats, strength: float) -> Any:
    if kind == "number":
        return Ridge(alpha=1 / strength, solver="lsqr", tol=1e-6).fit(windows, wanted)
    model = LogisticRegression(C=strength, max_iter=ITERATIONS, tol=1e-3)
    with warnings.catch_warnings():
        # A fit that has not converged loses on validation, and says enough there.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(windows, wanted.astype(np.int64))


def _measure_loss(measure: str, model: Any, windows: sparse.csr_array, truth: Floats) -> float:
    if measure in ("share", "angles"):
        return float(np.mean((model.predict(windows) - _make_wanted(measure, truth)) ** 2))
    logs = model.predict_log_proba(windows)
    # A class that train does not hold cannot be judged.
    column = np.searchsorted(model.classes_, truth)
    held = (column < len(model.classes_)) & np.isin(truth, model.classes_)
    return float(-logs[held, column[held]].mean()) if held.any() else 0.0


def _make_apply(
    measure: str, model: Any, states: int, records: int
) -> Callable[[sparse.csr_array], Floats]:
    """Give a function from windows to outputs: logits, or sine and cosine."""
    if measure == "share":
        return lambda windows: logit(model.predict(windows))[:, None]
    if measure == "angles":
        return lambda windows: np.asarray(model.predict(windows), np.float64)
    if measure == "mask":
        return lambda windows: model.decision_function(windows)[:, None]

    def apply(windows: sparse.csr_array) -> Floats:
        decision = model.decision_function(windows)
        if decision.ndim == 1:  # two states seen
            decision = np.stack([np.zeros_like(decision), decision], axis=1)
        # A state that train does not hold gets half a residue, as in the prior.
        outputs = np.full((windows.shape[0], states), np.log(0.5 / records))
        outputs[:, model.classes_] = special.log_softmax(decision, axis=1)
        return outputs

    return apply
