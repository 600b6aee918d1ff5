"""Regulatory DNA or RNA: a label per sequence."""

from __future__ import annotations

from bioseq_dl.tasks.task import Task

DNA_SEQUENCE = Task(
    read="bioseq_dl.io.sequences:read_records",
    encode="bioseq_dl.encode.sequence:encode_records",
    feed="bioseq_dl.data.feed:feed_batch",
    build_model="bioseq_dl.models.sequence:build_model",
    loss="bioseq_dl.models.heads:build_loss",
    perturb="bioseq_dl.perturb.engine:prepare",
    baselines={
        "prior": "bioseq_dl.baselines:predict_prior",
        "kmer": "bioseq_dl.baselines:predict_kmer",
        "additive": "bioseq_dl.baselines:predict_additive",
    },
)
