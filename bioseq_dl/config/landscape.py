"""What is told of variants that nobody has measured."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bioseq_dl.config.base import Section


class Designs(Section):
    """Variants worth measuring next."""

    count: int = Field(default=20, ge=1)
    """How many."""
    max_mutations: int = Field(default=4, ge=1, le=20)
    """Mutations of the wild type, at most."""
    min_distance: int = Field(default=2, ge=1)
    """Places in which two designs differ, at least."""
    acquisition: Literal["mean", "upper", "lower"] = "mean"
    """What is sought: the mean of the ensemble; ``upper`` adds ``exploration`` standard
    deviations of its members (optimism, for learning), ``lower`` takes them away (caution)."""
    exploration: float = Field(default=1.0, ge=0)
    """Standard deviations of ``upper`` and ``lower``."""
    goal: Literal["high", "low"] = "high"
    """Which end of the target is wanted."""
    seen_only: bool = True
    """Use only mutations that training records hold: the model knows nothing of the others."""
    beam: int = Field(default=100, ge=1)
    """Variants kept at each number of mutations."""
    max_scored: int = Field(default=100_000, ge=1)
    """Variants scored at each number of mutations above one, at most. Where ``beam`` gives more,
    each of its variants gets an equal number of further mutations, those with the best single
    mutants, and the report tells how many were left out."""


class Landscape(Section):
    """All single mutants of the wild type, with intervals; and designs."""

    fold: int = Field(default=0, ge=0)
    """Whose models, and whose validation records the intervals rest on."""
    confidence: float = Field(default=0.9, gt=0, lt=1)
    """Share of values that the intervals should hold."""
    designs: Designs | None = Designs()
    """Variants to propose; null proposes none."""
