"""The config: frozen pydantic models, the one source of truth and of defaults.

Importing this package loads no torch, so that a login node parses a workflow quickly.
"""

from bioseq_dl.config.cell_baselines import CellBaselines
from bioseq_dl.config.cell_evaluate import CellEvaluate
from bioseq_dl.config.cell_layout import CellLayout
from bioseq_dl.config.cell_model import CellModel, CellRecurrent, Decoder, ImageStage, ImageStem
from bioseq_dl.config.dna_run import DnaRun
from bioseq_dl.config.expression import (
    CellAudit,
    CellTable,
    ExpressionEncode,
    ExpressionIngest,
    ExpressionSplit,
    H5adInput,
    LoomInput,
    MatrixInput,
    MatrixTable,
    Quality,
    RareClasses,
    TenXFolderInput,
    TenXHdf5Input,
)
from bioseq_dl.config.expression_run import ExpressionRun
from bioseq_dl.config.heads import HEADS, Head
from bioseq_dl.config.ingest import (
    FastaInput,
    FoldName,
    Ingest,
    Input,
    IntervalsInput,
    Negatives,
    Reading,
    TableInput,
    Targets,
    VariantIngest,
    VariantTable,
)
from bioseq_dl.config.interpret import Explain, ExplainedIntervals, Motifs
from bioseq_dl.config.landscape import Designs, Landscape
from bioseq_dl.config.model import ConvLayer, Encode, Model, Recurrent, Wide
from bioseq_dl.config.protein_runs import ProteinFitnessRun, ProteinResidueRun
from bioseq_dl.config.residues import (
    Embeddings,
    LabelFasta,
    LabelTable,
    ProteinNetInput,
    ResidueBaselines,
    ResidueIngest,
    StructureInput,
)
from bioseq_dl.config.run import (
    Config,
    Run,
    load_config,
    validate_config,
)
from bioseq_dl.config.run_checks import RUN_NAME
from bioseq_dl.config.saliency import Saliency
from bioseq_dl.config.sources import Source
from bioseq_dl.config.split import (
    Audit,
    ProteinAudit,
    ProteinSplit,
    Split,
    VariantAudit,
    VariantSplit,
)
from bioseq_dl.config.train import (
    METRICS_OF_KIND,
    Augment,
    Baselines,
    Evaluate,
    Published,
    Train,
    VariantBaselines,
)
from bioseq_dl.config.tune import Dimension, Tune
from bioseq_dl.config.tune_space import apply_parameters, name_figure
from bioseq_dl.config.variants import MutationTable, VariantsInput, VcfVariants

__all__ = [
    "HEADS",
    "METRICS_OF_KIND",
    "RUN_NAME",
    "Audit",
    "Augment",
    "Baselines",
    "CellAudit",
    "CellBaselines",
    "CellEvaluate",
    "CellLayout",
    "CellModel",
    "CellRecurrent",
    "CellTable",
    "Config",
    "ConvLayer",
    "Decoder",
    "Designs",
    "Dimension",
    "DnaRun",
    "Embeddings",
    "Encode",
    "Evaluate",
    "Explain",
    "ExplainedIntervals",
    "ExpressionEncode",
    "ExpressionIngest",
    "ExpressionRun",
    "ExpressionSplit",
    "FastaInput",
    "FoldName",
    "H5adInput",
    "Head",
    "ImageStage",
    "ImageStem",
    "Ingest",
    "Input",
    "IntervalsInput",
    "LabelFasta",
    "LabelTable",
    "Landscape",
    "LoomInput",
    "MatrixInput",
    "MatrixTable",
    "Model",
    "Motifs",
    "MutationTable",
    "Negatives",
    "ProteinAudit",
    "ProteinFitnessRun",
    "ProteinNetInput",
    "ProteinResidueRun",
    "ProteinSplit",
    "Published",
    "Quality",
    "RareClasses",
    "Reading",
    "Recurrent",
    "ResidueBaselines",
    "ResidueIngest",
    "Run",
    "Saliency",
    "Source",
    "Split",
    "StructureInput",
    "TableInput",
    "Targets",
    "TenXFolderInput",
    "TenXHdf5Input",
    "Train",
    "Tune",
    "VariantAudit",
    "VariantBaselines",
    "VariantIngest",
    "VariantSplit",
    "VariantTable",
    "VariantsInput",
    "VcfVariants",
    "Wide",
    "apply_parameters",
    "load_config",
    "name_figure",
    "validate_config",
]
