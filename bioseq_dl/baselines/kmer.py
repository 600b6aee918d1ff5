"""Logistic or ridge regression on k-mer frequencies.

A bag of k-mers knows composition and short motifs, but neither their order nor their
distance: what a network adds has to be seen above it.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from bioseq_dl.baselines.counts import count_frequencies
from bioseq_dl.baselines.linear import fit_linear
from bioseq_dl.baselines.rows import FoldRows, Predicted, find_rows
from bioseq_dl.config import Baselines
from bioseq_dl.encode.examples import Examples
from bioseq_dl.errors import InputError


def predict_kmer(examples: Examples, fold: int, config: Baselines) -> Predicted:
    """Fit k-mer regression on train, choose its strength on val, predict val and test.

    Frequencies are scaled to unit variance over the training records. Each target is fitted
    on its labelled records alone; the strength with the least log loss (or squared error)
    on its labelled val records is kept, per target.

    Parameters
    ----------
    examples : Examples
        The encoded records.
    fold : int
        Whose roles.
    config : Baselines
        k, strands, strengths.

    Raises
    ------
    InputError
        Where there is no such fold, or ``kmer`` is null.
    """
    if config.kmer is None:
        raise InputError("baselines.kmer is null: there is no k-mer baseline to fit")
    rows = find_rows(examples, fold)
    every = np.arange(len(examples))
    counts = count_frequencies(examples, every, config.kmer, both_strands=config.both_strands)
    features = _scale(rows, counts)
    outputs, chosen = fit_linear(examples, rows, features, config.strengths)
    strands = "both strands" if config.both_strands else "one strand"
    note = f"{config.kmer}-mers, {strands}, {features.shape[1]} features; {chosen}"
    return Predicted(rows.judged, outputs, note)


def _scale(rows: FoldRows, counts: sparse.csr_array) -> sparse.csr_array:
    # No centring: it would fill the zeros, and the intercept takes up the means.
    scaler = StandardScaler(with_mean=False).fit(counts[rows.train])
    return sparse.csr_array(scaler.transform(counts))
