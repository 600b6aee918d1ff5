"""A run of the task expression."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import model_validator

from bioseq_dl.config.base import Section
from bioseq_dl.config.cell_baselines import CellBaselines
from bioseq_dl.config.cell_evaluate import CellEvaluate
from bioseq_dl.config.cell_model import CellModel
from bioseq_dl.config.expression import ExpressionEncode, ExpressionIngest, ExpressionSplit
from bioseq_dl.config.ingest import Targets
from bioseq_dl.config.interpret import Explain
from bioseq_dl.config.landscape import Landscape
from bioseq_dl.config.residues import Embeddings
from bioseq_dl.config.run_checks import check_labels, check_loss, check_published
from bioseq_dl.config.saliency import Saliency
from bioseq_dl.config.train import Published, Train
from bioseq_dl.config.tune import Tune
from bioseq_dl.config.tune_space import check_tune
from bioseq_dl.config.variants import VariantsInput


class ExpressionRun(Section):
    """Expression of genes: a label per cell or sample."""

    task: Literal["expression"]
    """What kind of data is learnt from."""
    title: str | None = None
    """Heading in the report."""
    targets: Targets
    """What is predicted."""
    ingest: ExpressionIngest
    """Matrices to cells."""
    split: ExpressionSplit = ExpressionSplit()
    """A fold per cell, and the audit."""
    encode: ExpressionEncode = ExpressionEncode()
    """Normalisation, choice of genes, scaling."""
    model: CellModel = CellModel()
    """The network."""
    train: Train = Train()
    """The training loop."""
    tune: Tune | None = None
    """A search for the sizes and settings to train with; null does not search."""
    baselines: CellBaselines = CellBaselines()
    """Comparisons on the same cells and genes."""
    evaluate: CellEvaluate = CellEvaluate()
    """Metrics and their uncertainty, the class unknown, the embedding."""
    published: tuple[Published, ...] = ()
    """Figures from the literature."""

    saliency: Saliency | None = Saliency()
    """Which genes speak for each class; null does not ask."""

    embeddings: ClassVar[Embeddings | None] = None
    landscape: ClassVar[Landscape | None] = None
    variants: ClassVar[Mapping[str, VariantsInput]] = {}
    explain: ClassVar[Explain | None] = None

    @model_validator(mode="after")
    def _sections_agree(self) -> ExpressionRun:
        check_labels(self)
        check_loss(self)
        if self.train.augment != type(self.train.augment)():
            raise ValueError("train.augment changes sequences: leave it out")
        if self.train.token_budget is not None:
            raise ValueError("train.token_budget counts bases: give batch_size")
        self._check_network()
        if self.saliency is not None and self.saliency.fold >= self.split.folds:
            raise ValueError(f"saliency.fold: folds count from 0 to {self.split.folds - 1}")
        if (rare := self.ingest.rare_classes) is not None:
            if self.targets.kind != "multiclass" or len(self.targets.names) != 1:
                raise ValueError("ingest.rare_classes needs one target of kind multiclass")
            if rare.pool is not None and rare.pool not in self.targets.classes:
                allowed = ", ".join(self.targets.classes)
                raise ValueError(
                    f"ingest.rare_classes.pool {rare.pool!r} is not among targets.classes: "
                    f"{allowed}"
                )
        if self.split.method == "group":
            for place, entry in enumerate(self.ingest.inputs):
                if entry.group_column is None:
                    raise ValueError(
                        f"ingest.inputs[{place}] has no group_column, which method group needs"
                    )
        check_published(self)
        check_tune(self)
        return self

    def _check_network(self) -> None:
        kind, layout = self.model.kind, self.encode.layout
        row = layout is not None and layout.kind == "clustered"
        if self.model.needs_image and (layout is None or row):
            raise ValueError(
                f"model.kind {kind} reads images: give encode.layout, not a clustered one"
            )
        if self.model.needs_order and not row:
            raise ValueError(
                f"model.kind {kind} reads genes in a row: give encode.layout.kind clustered"
            )
        if self.model.needs_counts and self.ingest.values not in ("auto", "counts"):
            raise ValueError(
                "model.decoder.loss tells counts: ingest.values must be counts, or auto"
            )
        if (source := self.model.weights) is not None and source.path is None:
            raise ValueError("model.weights takes a local file: path")
