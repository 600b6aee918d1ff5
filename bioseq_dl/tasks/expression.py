"""Expression of genes: a label per cell or sample."""

from __future__ import annotations

from bioseq_dl.tasks.task import Task

EXPRESSION = Task(
    alphabet="",
    matrix=True,
    read="bioseq_dl.io.expression:read_expression",
    encode="bioseq_dl.encode.cells:encode_cells",
    write="bioseq_dl.data.cell_examples:write_cell_examples",
    evaluate="bioseq_dl.evaluate.cells:evaluate_cells",
)
