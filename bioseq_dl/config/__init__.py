"""The config: frozen pydantic models, the one source of truth and of defaults.

Importing this package loads no torch, so that a login node parses a workflow quickly.
"""

from bioseq_dl.config.ingest import (
    FastaInput,
    FoldName,
    Ingest,
    Input,
    IntervalsInput,
    Negatives,
    TableInput,
    Targets,
)
from bioseq_dl.config.interpret import Explain, ExplainedIntervals, Motifs
from bioseq_dl.config.model import ConvLayer, Encode, Model, Recurrent, Wide
from bioseq_dl.config.run import RUN_NAME, Config, DnaRun, Run, load_config, validate_config
from bioseq_dl.config.sources import Source
from bioseq_dl.config.split import Audit, Split
from bioseq_dl.config.train import (
    METRICS_OF_KIND,
    Augment,
    Baselines,
    Evaluate,
    Published,
    Train,
)
from bioseq_dl.config.variants import MutationTable, VariantsInput, VcfVariants

__all__ = [
    "METRICS_OF_KIND",
    "RUN_NAME",
    "Audit",
    "Augment",
    "Baselines",
    "Config",
    "ConvLayer",
    "DnaRun",
    "Encode",
    "Evaluate",
    "Explain",
    "ExplainedIntervals",
    "FastaInput",
    "FoldName",
    "Ingest",
    "Input",
    "IntervalsInput",
    "Model",
    "Motifs",
    "MutationTable",
    "Negatives",
    "Published",
    "Recurrent",
    "Run",
    "Source",
    "Split",
    "TableInput",
    "Targets",
    "Train",
    "VariantsInput",
    "VcfVariants",
    "Wide",
    "load_config",
    "validate_config",
]
