"""What the scores must be: a plain program that edits the genome's text and runs the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from bioseq_dl.config import Model, Targets
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.models.sequence import SequenceModel, build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, restore_model, write_checkpoint

FLATTEN = {
    "conv": [{"channels": 5, "kernel": 3}],
    "pooling": "flatten",
    "normalisation": "none",
    "activation": "silu",
}
"""Its output depends on which base stands at which place."""


def make_checkpoint(
    length: int | None,
    seed: int = 0,
    targets: Targets | None = None,
    unknown: str = "zeros",
    **model,
) -> Checkpoint:
    targets = targets or Targets(names=("one", "two"), kind="regression")
    layers = Model(**(FLATTEN | model))
    classes = len(targets.classes) if targets.kind == "multiclass" else 1
    shape = Shape(letters=4, length=length, targets=len(targets.names), classes=classes)
    torch.manual_seed(seed)
    built = build_model(layers, shape)
    with torch.no_grad():
        for parameter in built.parameters():
            parameter.normal_(0, 0.3)
    return Checkpoint(
        task="dna_sequence",
        model=layers,
        shape=shape,
        targets=targets,
        unknown=unknown,
        weights=built.state_dict(),
        notes={"seed": seed},
    )


def save(folder: Path, *checkpoints: Checkpoint) -> list[Path]:
    paths = [folder / f"model{number}.pt" for number in range(len(checkpoints))]
    for path, checkpoint in zip(paths, checkpoints, strict=True):
        write_checkpoint(path, checkpoint)
    return paths


def read_windows(
    checkpoint: Checkpoint, windows: list[str], model: SequenceModel | None = None
) -> np.ndarray:
    """The model's own forward: (n, targets) or (n, targets, classes)."""
    model = model or restore_model(checkpoint)
    codes = [["ACGT".find(letter) for letter in window] for window in windows]
    codes = torch.tensor([[code if code >= 0 else 4 for code in row] for row in codes])
    with torch.inference_mode():
        columns = one_hot(codes.to(torch.uint8), checkpoint.unknown)
        return model(columns).double().numpy()


@dataclass
class Score:
    status: str
    ref: np.ndarray | None = None
    alt: np.ndarray | None = None
    windows: list[str] = field(default_factory=list)


@dataclass
class Plain:
    """Contigs as text, one model, one policy."""

    contigs: dict[str, str]
    checkpoint: Checkpoint
    length: int
    mismatch: str = "skip"
    max_unknown: float = 0.1

    def __post_init__(self) -> None:
        self.model = restore_model(self.checkpoint)

    def base(self, chrom: str, place: int) -> str:
        text = self.contigs[chrom]
        return text[place] if 0 <= place < len(text) else "N"

    def bases(self, chrom: str, start: int, end: int) -> str:
        return "".join(self.base(chrom, place) for place in range(start, end))

    def score(self, chrom: str, pos: int, ref: str, alt: str) -> Score:
        ref, alt = ref.upper(), alt.upper()
        if alt == ".":
            return Score("no_alt")
        if alt == "*":
            return Score("star")
        if "[" in alt or "]" in alt or alt[0] == "." or alt[-1] == ".":
            return Score("breakend")
        if "<" in alt:
            return Score("symbolic")
        if chrom not in self.contigs:
            return Score("no_contig")
        start = pos - 1
        if start + len(ref) > len(self.contigs[chrom]):
            return Score("beyond_contig")
        found = self.bases(chrom, start, start + len(ref))
        status = "scored"
        if found != ref:
            known = [a != b for a, b in zip(found, ref, strict=True) if a in "ACGT" and b in "ACGT"]
            if not any(known):
                return Score("unknown_bases")
            end = start + len(alt)
            holds_alt = end <= len(self.contigs[chrom]) and alt == self.bases(chrom, start, end)
            if self.mismatch != "flip" or not holds_alt:
                return Score("ref_mismatch")
            status, ref, alt = "flipped", alt, ref
        while ref and alt and ref[-1] == alt[-1]:
            ref, alt = ref[:-1], alt[:-1]
        while ref and alt and ref[0] == alt[0]:
            ref, alt, start = ref[1:], alt[1:], start + 1
        if max(len(ref), len(alt)) > self.length:
            return Score("longer_than_window")
        end = start + len(ref)
        first = (start + end) // 2 - self.length // 2
        reference = self.bases(chrom, first, first + self.length)
        windows = [reference, *self.edit(chrom, start, end, alt, first)]
        shares = [sum(base not in "ACGT" for base in w) / self.length for w in windows]
        if max(shares) > self.max_unknown:
            return Score("unknown_bases")
        outputs = read_windows(self.checkpoint, windows, self.model)
        scores = [outputs[0], outputs[1:].mean(axis=0)]
        if status == "flipped":
            scores.reverse()
        return Score(status, *scores, windows)

    def edit(self, chrom: str, start: int, end: int, alt: str, first: int) -> list[str]:
        # A piece of the genome with the allele put in, long enough on both sides.
        left = self.bases(chrom, start - 2 * self.length, start)
        right = self.bases(chrom, end, end + 2 * self.length)
        edited = left + alt + right
        from_left = first - (start - 2 * self.length)
        anchored_left = edited[from_left : from_left + self.length]
        from_right = len(edited) - (end + 2 * self.length - (first + self.length))
        anchored_right = edited[from_right - self.length : from_right]
        if len(alt) == end - start:
            assert anchored_left == anchored_right
            return [anchored_left]
        return [anchored_left, anchored_right]
