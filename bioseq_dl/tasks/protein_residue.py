"""Labels of each residue: secondary structure, accessibility, disorder, torsions."""

from __future__ import annotations

from bioseq_dl.tasks.task import Task

PROTEIN_RESIDUE = Task(
    alphabet="protein",
    read="bioseq_dl.io.residue_records:read_residues",
    encode="bioseq_dl.encode.residues:encode_residues",
    feed="bioseq_dl.data.feed:feed_batch",
    build_model="bioseq_dl.models.residues:build_model",
    loss="bioseq_dl.models.residue_loss:build_loss",
    evaluate="bioseq_dl.evaluate.residues:evaluate_residues",
    baselines={
        "prior": "bioseq_dl.baselines:predict_residue_prior",
        "window": "bioseq_dl.baselines:predict_window",
    },
)
