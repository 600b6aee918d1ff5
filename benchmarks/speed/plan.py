"""What is measured, on whom, and against what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

OWN = "own"
"""Key of the environment that the harness itself runs in."""


@dataclass(frozen=True)
class Entrant:
    """One way of doing one measure."""

    measure: str
    """One of `UNITS`."""
    name: str
    """Row of the table."""
    environment: str
    """Key of its environment; `OWN` for ours."""
    script: str
    """Worker under workers/."""
    kind: str
    """``ours``, ``peer`` or ``limit`` (a limit or a bare loop, no library)."""
    variant: str = ""
    """Handed to the worker."""
    against: str = ""
    """Name of the entrant that ``of_limit`` is a share of."""
    seed: int = 0


def _own(measure, name, variant="", against="", seed=0):
    return Entrant(measure, name, OWN, "own_worker.py", "ours", variant, against, seed)


def _limit(measure, name, variant="", against=""):
    return Entrant(measure, name, OWN, "plain_worker.py", "limit", variant, against)


def _peer(measure, name, environment, variant="", against=""):
    script = f"{environment}_worker.py"
    return Entrant(measure, name, environment, script, "peer", variant, against)


def _effects(measure, *entrants):
    """Give the entrants of a measure of effects: (name, environment, variant, against)."""
    kinds = {"plain": "limit", OWN: "ours"}
    return tuple(
        Entrant(
            measure,
            name,
            OWN if environment == "plain" else environment,
            f"{environment}_variants_worker.py",
            kinds.get(environment, "peer"),
            variant,
            against,
        )
        for name, environment, variant, against in entrants
    )


GATHER = "limit: gather from a flat byte file"
COMPARE = "limit: compare codes, reused float32 buffer"
BARE = "bare loop, Conv1d, fp32"
BARE_OWN = "bare loop, our module, fp32"
BARE_OWN_BF16 = "bare loop, our module, bf16"
TRAIN_OWN = "bioseq_dl, precision auto"

LOOP = "plain loop, batch 64"
LOOP_BEST = "plain loop, best batch"
LOOP_TINY = "plain loop, batch 1,024"
LOOP_ONCE = "plain loop, best batch, one placement"
PEER = "tangermeme"
PEER_BEST = "tangermeme, best batch"
GRELU = "gReLU"
GRELU_FP32 = "gReLU, fp32 enforced"

EFFECTS = ("variants_tiny", "snv", "indel", "ism", "snv_recurrent")
"""Measures of variant effects and mutagenesis."""

UNITS = {
    "extract": "intervals of 1,000 bp/s",
    "cache": "Mbp/s",
    "one_hot": "Mbp/s",
    "loader": "samples of 1,000 bp/s",
    "train": "samples of 1,000 bp/s",
    "score": "validation AUROC",
    "variants_tiny": "variants/s",
    "snv": "alleles/s",
    "indel": "alleles/s",
    "ism": "mutants/s",
    "snv_recurrent": "alleles/s",
}

ENTRANTS = (
    _limit("extract", GATHER),
    _own("extract", "bioseq_dl", "", GATHER),
    _own("extract", "bioseq_dl, contigs by number", "numbers", GATHER),
    _peer("extract", "tangermeme", "tangermeme", "", GATHER),
    _peer("extract", "tangermeme, packed", "tangermeme", "packed", GATHER),
    _peer("extract", "pyfaidx", "pyfaidx", "", GATHER),
    _peer("extract", "kipoiseq", "kipoiseq", "", GATHER),
    _peer("extract", "pysam", "pysam", "", GATHER),
    _peer("extract", "CREsTED", "crested", "", GATHER),
    _peer("extract", "Selene", "selene", "", GATHER),
    _peer("extract", "gReLU", "grelu", "", GATHER),
    _own("cache", "bioseq_dl, building the flat cache (once a FASTA)"),
    _limit("one_hot", "limit: compare codes, reused int8 buffer", "int8"),
    _limit("one_hot", COMPARE, "float32"),
    _own("one_hot", "bioseq_dl, from stored codes", "codes", COMPARE),
    _own("one_hot", "bioseq_dl, from letters", "letters", COMPARE),
    _peer("one_hot", "tangermeme, one long sequence", "tangermeme", "long", COMPARE),
    _peer("one_hot", "tangermeme, a call a sequence", "tangermeme", "each", COMPARE),
    _peer("one_hot", "seqpro", "seqpro", "", COMPARE),
    _peer("one_hot", "CREsTED", "crested", "", COMPARE),
    _peer("one_hot", "kipoiseq", "kipoiseq", "", COMPARE),
    _peer("one_hot", "gReLU", "grelu", "", COMPARE),
    _peer("one_hot", "Selene", "selene", "", COMPARE),
    _limit("loader", "DataLoader on a TensorDataset of floats"),
    _own("loader", "bioseq_dl"),
    _peer("loader", "tangermeme, PackedSequence", "tangermeme"),
    _peer("loader", "bpnet-lite", "bpnetlite"),
    _peer("loader", "CREsTED", "crested"),
    _peer("loader", "gReLU", "grelu"),
    _peer("loader", "Selene, HDF5 in memory", "selene"),
    _limit("train", BARE, "conv1d-fp32"),
    _limit("train", "bare loop, Conv1d, bf16", "conv1d-bf16", BARE),
    _limit("train", BARE_OWN, "own-fp32", BARE),
    _limit("train", BARE_OWN_BF16, "own-bf16", BARE),
    _own("train", "bioseq_dl, precision fp32", "fp32", BARE_OWN),
    _own("train", TRAIN_OWN, "auto", BARE_OWN_BF16),
    _peer("train", "gReLU", "grelu", "", BARE),
    _peer("train", "CREsTED", "crested", "", BARE),
    _peer("train", "Selene", "selene", "", BARE),
    _peer("train", "bpnet-lite", "bpnetlite", "", BARE),
    _peer("train", "bpnet-lite, dtype=bfloat16", "bpnetlite", "bfloat16", BARE),
    *(
        _own("score", f"bioseq_dl, {precision}, seed {seed}", precision, seed=seed)
        for seed in range(4)
        for precision in ("fp32", "bf16")
    ),
    *_effects(
        "variants_tiny",
        (LOOP_TINY, "plain", "1024", ""),
        ("bioseq_dl", OWN, "", LOOP_TINY),
        (PEER, "tangermeme", "default", LOOP_TINY),
        (PEER_BEST, "tangermeme", "best", LOOP_TINY),
        (GRELU, "grelu", "", LOOP_TINY),
    ),
    *_effects(
        "snv",
        (LOOP, "plain", "64", LOOP_BEST),
        (LOOP_BEST, "plain", "best", ""),
        ("bioseq_dl", OWN, "", LOOP_BEST),
        (PEER, "tangermeme", "default", LOOP_BEST),
        (PEER_BEST, "tangermeme", "best", LOOP_BEST),
        (GRELU, "grelu", "", LOOP_BEST),
        (GRELU_FP32, "grelu", "fp32", LOOP_BEST),
    ),
    *_effects(
        "indel",
        (LOOP, "plain", "64", LOOP_BEST),
        (LOOP_BEST, "plain", "best", ""),
        (LOOP_ONCE, "plain", "best,1", ""),
        ("bioseq_dl", OWN, "", LOOP_BEST),
        (PEER, "tangermeme", "default", LOOP_ONCE),
        (PEER_BEST, "tangermeme", "best", LOOP_ONCE),
        (GRELU, "grelu", "", LOOP_ONCE),
    ),
    *_effects(
        "ism",
        (LOOP_BEST, "plain", "best", ""),
        ("bioseq_dl", OWN, "", LOOP_BEST),
        (PEER, "tangermeme", "default", LOOP_BEST),
        (PEER_BEST, "tangermeme", "best", LOOP_BEST),
        (GRELU, "grelu", "", LOOP_BEST),
        (GRELU_FP32, "grelu", "fp32", LOOP_BEST),
    ),
    *_effects(
        "snv_recurrent",
        (LOOP, "plain", "64", LOOP_BEST),
        (LOOP_BEST, "plain", "best", ""),
        ("bioseq_dl", OWN, "", LOOP_BEST),
        (PEER, "tangermeme", "default", LOOP_BEST),
        (PEER_BEST, "tangermeme", "best", LOOP_BEST),
        (GRELU, "grelu", "", LOOP_BEST),
    ),
)


def interleave(entrants: Iterable[Entrant], repeats: int) -> Iterator[Entrant]:
    """Order the runs: measure by measure, and within one A B C, A B C, …

    What disturbs the machine for a while then falls on all entrants of a measure alike. A
    score is a seeded result, not a time: it is taken once.
    """
    entrants = list(entrants)
    for measure in dict.fromkeys(entrant.measure for entrant in entrants):
        group = [entrant for entrant in entrants if entrant.measure == measure]
        for _ in range(1 if measure == "score" else repeats):
            yield from group
