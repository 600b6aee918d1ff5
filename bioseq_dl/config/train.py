"""How a model is trained, compared and judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from bioseq_dl.config.base import Section


class Augment(Section):
    """Changes made to training examples on the device, anew each epoch."""

    reverse_complement: bool = False
    """Take the other strand of half of the examples."""
    shift: int = Field(default=0, ge=0)
    """Move by up to this many bases either way; the gap is unknown bases."""
    substitution: float = Field(default=0.0, ge=0, lt=1)
    """Share of bases replaced by a random one."""


class Train(Section):
    """The training loop."""

    seeds: tuple[int, ...] = (0,)
    """A model a seed; predictions are reported per seed and as their ensemble."""
    epochs: int = Field(default=20, ge=1)
    """At most."""
    batch_size: int = Field(default=128, ge=1)
    """Examples a step of one process: with ``devices``, a step is of so many times these."""
    token_budget: int | None = Field(default=None, ge=1)
    """Variable lengths: at most this many bases a batch of one process, padding included."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients are added before a step."""
    optimizer: Literal["sgd", "adam", "adamw", "rmsprop"] = "adamw"
    """Update rule."""
    learning_rate: float = Field(default=1e-3, gt=0)
    """Peak rate."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decoupled for adamw, L2 for the others; not on biases and normalisation."""
    momentum: float = Field(default=0.9, ge=0, lt=1)
    """Of sgd and rmsprop."""
    schedule: Literal["constant", "cosine", "plateau"] = "cosine"
    """Rate after the warm-up; ``plateau`` halves it when validation stalls."""
    warmup_fraction: float = Field(default=0.1, ge=0, lt=1)
    """Share of all steps in which the rate rises from 0."""
    plateau_patience: int = Field(default=2, ge=0)
    """Epochs without progress before ``plateau`` halves the rate."""
    clip_norm: float | None = Field(default=1.0, gt=0)
    """Largest norm of the gradient; null is none."""
    class_weights: Literal["none", "balanced"] = "none"
    """``balanced`` weights each class by the inverse of its share in train."""
    loss: Literal["default", "rank", "both"] = "default"
    """``default`` is cross-entropy, or the squared error of a regression. ``rank`` asks of a
    regression the order alone: the logistic loss of each pair of a batch; its values have no
    scale. ``both`` adds them, in units of the labels' standard deviation."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=0.5)
    """Move targets of classification towards the uniform by this much."""
    ema_decay: float | None = Field(default=None, gt=0, lt=1)
    """Keep and use a moving average of the weights (and batch statistics), with this decay
    at most; over the first steps it is (1 + step) / (10 + step)."""
    keep: Literal["best", "last"] = "best"
    """Weights that are kept: of the best epoch by ``monitor``, or of the last."""
    monitor: Literal["loss", "score"] = "loss"
    """Validation figure that picks the best epoch: the loss, or the task's score (AUROC,
    accuracy, Pearson; of residues that of the first head, of angles the mean cosine of the
    errors). ``train.json`` names it as ``score``."""
    patience: int | None = Field(default=5, ge=1)
    """Epochs without progress before stopping; null trains all epochs."""
    augment: Augment = Augment()
    """Augmentation of training examples."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """``cuda`` without a GPU is an error, and the workflow asks the scheduler for ``devices`` GPUs;
    ``auto`` takes a GPU where one is visible, asks for none, and says what it chose."""
    devices: int = Field(default=1, ge=1)
    """GPUs of one machine (or processes on a CPU) that train a model together, each with its part
    of every batch; loss, gradient and batch statistics are those of the whole batch."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """``auto`` takes bf16 where the hardware has it and a check of loss and gradients
    against fp32 passes; fp16 needs a GPU."""
    compile: bool = False
    """torch.compile; costs seconds before the first step."""
    threads: int = Field(default=1, ge=1)
    """CPU threads of one process of a training. Seeds and folds train side by side, which uses the
    cores better than threads do; raise it for a large network or a lone seed."""
    checkpoint_seconds: float = Field(default=60.0, ge=0)
    """Seconds between checkpoints inside an epoch; one is written at each epoch's end too."""
    tensorboard: bool = False
    """Write TensorBoard events beside the CSV (needs tensorboard installed)."""

    @model_validator(mode="after")
    def _seeds_differ(self) -> Train:
        if not self.seeds or len(set(self.seeds)) != len(self.seeds):
            raise ValueError("seeds must be one or more different numbers")
        if any(not 0 <= seed < 2**31 for seed in self.seeds):
            raise ValueError("seeds must lie between 0 and 2**31 - 1")
        return self


class Baselines(Section):
    """Honest comparisons on the same folds."""

    prior: bool = True
    """Share of each class (or the mean) in train."""
    kmer: int | None = Field(default=5, ge=1, le=8)
    """Logistic or ridge regression on k-mer frequencies; null is none."""
    additive: bool = False
    """Logistic or ridge regression on the letter at each place; needs ``encode.length``."""
    both_strands: bool = False
    """Count a k-mer and its reverse complement as one."""
    strengths: tuple[float, ...] = (0.0001, 0.001, 0.01, 0.1, 1.0)
    """Inverse regularisation strengths tried; the best on validation is kept."""


class VariantBaselines(Baselines):
    """Honest comparisons on the same variants."""

    kmer: None = None
    """Composition tells nothing of variants."""
    additive: bool = True
    """Ridge (or logistic) regression on the letter at each place: each mutation adds its own
    amount; needs one length."""
    pairwise: bool = False
    """The same with each pair of mutations that stands in two training records or more; needs a
    wild type."""
    blosum: bool = True
    """A straight line through the sum of the mutations' BLOSUM62 scores (Henikoff and
    Henikoff 1992); needs a wild type."""
    max_pairs: int = Field(default=200_000, ge=1)
    """Pairs used by ``pairwise``, the most frequent."""
    both_strands: Literal[False] = False
    """Proteins have one strand."""
    strengths: tuple[float, ...] = (0.01, 0.1, 1.0, 10.0)
    """Inverse regularisation strengths tried; the best on validation is kept."""


class Evaluate(Section):
    """Metrics and their uncertainty."""

    bootstrap: int = Field(default=1000, ge=10)
    """Resamples of the test records."""
    confidence: float = Field(default=0.95, gt=0, lt=1)
    """Of the intervals."""
    seed: int = Field(default=0, ge=0)
    """Of the resampling."""
    threshold: float = Field(default=0.5, gt=0, lt=1)
    """Probability at which a binary target counts as positive."""
    calibrate: bool = True
    """Fit a temperature on validation."""
    ece_bins: int = Field(default=15, ge=2)
    """Bins of the expected calibration error."""


_CLASSIFICATION = (
    "auroc",
    "auprc",
    "mcc",
    "f1",
    "precision",
    "recall",
    "accuracy",
    "brier",
    "ece",
    "log_loss",
)
METRICS_OF_KIND: Mapping[str, tuple[str, ...]] = {
    "binary": _CLASSIFICATION,
    "multiclass": _CLASSIFICATION,
    "regression": ("pearson", "spearman", "r2", "rmse"),
    "residues": ("accuracy", "sov", "recall", "precision", "auroc", "mae", "pearson", "angle_mae"),
}
"""Kind of target: names of its metrics, in the order of the report."""


class Published(Section):
    """A figure from the literature, shown beside ours."""

    metric: str
    """Our name of the metric: auroc, auprc, mcc, f1, precision, recall, accuracy, brier, ece,
    log_loss; pearson, spearman, r2, rmse; of residues accuracy, sov, recall (``recall:H``: of a
    state), precision, auroc, mae, pearson, angle_mae."""
    value: float
    """The published figure."""
    source: str
    """Who reported it, and where."""
    target: str | None = None
    """Target it belongs to; default the macro average."""
