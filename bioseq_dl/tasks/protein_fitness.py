"""The effect of mutations: a measured number per variant of a protein."""

from __future__ import annotations

from bioseq_dl.tasks.task import Task

PROTEIN_FITNESS = Task(
    alphabet="protein",
    read="bioseq_dl.io.measured_variants:read_variants",
    encode="bioseq_dl.encode.sequence:encode_proteins",
    feed="bioseq_dl.data.feed:feed_batch",
    build_model="bioseq_dl.models.sequence:build_model",
    loss="bioseq_dl.models.heads:build_loss",
    baselines={
        "prior": "bioseq_dl.baselines:predict_prior",
        "blosum": "bioseq_dl.baselines:predict_blosum",
        "additive": "bioseq_dl.baselines:predict_additive",
        "pairwise": "bioseq_dl.baselines:predict_pairs",
    },
)
