"""Expression of genes: a label per cell or sample."""

from __future__ import annotations

from bioseq_dl.tasks.task import Task

EXPRESSION = Task(
    alphabet="",
    matrix=True,
    read="bioseq_dl.io.expression:read_expression",
    encode="bioseq_dl.encode.cell_encoding:encode_cells",
    write="bioseq_dl.data.cell_examples:write_cell_examples",
    open="bioseq_dl.data.cell_examples:open_cells",
    feed="bioseq_dl.data.feed_cells:feed_cells",
    build_model="bioseq_dl.models.cells:build_model",
    load_initial="bioseq_dl.models.initial:load_initial",
    model="bioseq_dl.config:CellModel",
    take_shape="bioseq_dl.models.cell_shape:take_shape",
    read_shape="bioseq_dl.models.cell_shape:read_shape",
    loss="bioseq_dl.models.cell_loss:build_loss",
    score="bioseq_dl.train.score:score_cells",
    baselines={
        "prior": "bioseq_dl.baselines:predict_prior",
        "logistic": "bioseq_dl.baselines:predict_logistic",
        "forest": "bioseq_dl.baselines:predict_forest",
        "pca": "bioseq_dl.baselines:predict_pca",
    },
    evaluate="bioseq_dl.evaluate.cells:evaluate_cells",
)
