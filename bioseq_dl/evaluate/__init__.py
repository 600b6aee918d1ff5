"""Metrics of a run with their uncertainty, beside its baselines and published figures."""

from bioseq_dl.evaluate.run import evaluate_run
from bioseq_dl.evaluate.tables import Evaluation, write_evaluation

__all__ = ["Evaluation", "evaluate_run", "write_evaluation"]
