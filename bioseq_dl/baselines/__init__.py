"""Honest comparisons on the same folds: the class prior, k-mers, letters by place, mutations."""

from bioseq_dl.baselines.additive import predict_additive
from bioseq_dl.baselines.kmer import predict_kmer
from bioseq_dl.baselines.mutations import predict_blosum, predict_pairs
from bioseq_dl.baselines.prior import predict_prior
from bioseq_dl.baselines.rows import Predicted

__all__ = [
    "Predicted",
    "predict_additive",
    "predict_blosum",
    "predict_kmer",
    "predict_pairs",
    "predict_prior",
]
