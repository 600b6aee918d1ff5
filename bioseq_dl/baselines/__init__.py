"""Honest comparisons on the same folds: priors, k-mers, letters by place, mutations, windows."""

from bioseq_dl.baselines.additive import predict_additive
from bioseq_dl.baselines.cells import predict_forest, predict_logistic, predict_pca
from bioseq_dl.baselines.kmer import predict_kmer
from bioseq_dl.baselines.mutations import predict_blosum, predict_pairs
from bioseq_dl.baselines.prior import predict_prior
from bioseq_dl.baselines.residue_prior import predict_residue_prior
from bioseq_dl.baselines.rows import Predicted
from bioseq_dl.baselines.window import predict_window

__all__ = [
    "Predicted",
    "predict_additive",
    "predict_blosum",
    "predict_forest",
    "predict_kmer",
    "predict_logistic",
    "predict_pairs",
    "predict_pca",
    "predict_prior",
    "predict_residue_prior",
    "predict_window",
]
