"""977 measured variants of the HNF4A promoter, end to end by the command."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from bioseq_dl.cli.main import main
from bioseq_dl.config import Model, Targets
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.io.genome import open_genome
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.train.checkpoint import Checkpoint, read_checkpoint, restore_model, write_checkpoint

WINDOW = 200
LAYERS = {
    "conv": [{"channels": 8, "kernel": 7, "pool": 2}, {"channels": 8, "kernel": 5}],
    "pooling": "flatten",
    "flatten_channels": 4,
    "dense": [16],
}
"""A small kin of the splice models of benchmarks/splice: windows of one length, flattened."""


class Scored:
    """What the command left behind."""

    def __init__(self, folder: Path, vcf: Path) -> None:
        self.given = _read_lines(vcf)
        self.found = _read_lines(folder / "scored.vcf.gz")
        self.table = pd.read_parquet(folder / "scored.parquet")
        self.summary = json.loads((folder / "scored.json").read_text())
        self.index = folder / "scored.vcf.gz.tbi"


def _read_lines(path: Path) -> list[list[str]]:
    with gzip.open(path, "rt") as handle:
        return [line.rstrip("\n").split("\t") for line in handle if line[0] != "#"]


def _write_model(path: Path, seed: int) -> Path:
    spec = Targets(names=("donor",), classes=("decoy", "site"))
    layers = Model.model_validate(LAYERS)
    shape = Shape(letters=4, length=WINDOW, targets=1, classes=1)
    torch.manual_seed(seed)
    weights = build_model(layers, shape).state_dict()
    write_checkpoint(path, Checkpoint("dna_sequence", layers, shape, spec, "zeros", weights, {}))
    return path


def _score(folder: Path, vcf: Path, genome: Path, models: list[Path]) -> None:
    words = ["variants", "--model", *map(str, models), "--vcf", str(vcf), "--genome", str(genome)]
    words += ["--mismatch", "strict", "--device", "cpu", "--threads", "1", "--batch", "64"]
    words += ["--cache", str(folder / "cache"), "--out", str(folder / "scored.vcf.gz")]
    words += ["--table", str(folder / "scored.parquet"), "--summary", str(folder / "scored.json")]
    assert main(words) == 0


@pytest.fixture(scope="module")
def genome_path(shared_data: Path) -> Path:
    return shared_data / "dna_chr20_b37" / "chr20_b37_masked_42.5-46.5Mb.fa.gz"


@pytest.fixture(scope="module")
def vcf(shared_data: Path) -> Path:
    return shared_data / "dna_chr20_b37" / "HNF4A_satmpra_b37.vcf.gz"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hnf4a")


@pytest.fixture(scope="module")
def models(folder: Path) -> list[Path]:
    return [_write_model(folder / f"seed{seed}.pt", seed) for seed in (1, 2)]


@pytest.fixture(scope="module")
def scored(folder: Path, vcf: Path, genome_path: Path, models: list[Path]) -> Scored:
    _score(folder, vcf, genome_path, models)
    return Scored(folder, vcf)


def test_every_record_comes_out_in_order_with_its_fields(scored: Scored) -> None:
    assert len(scored.found) == len(scored.given) == 977
    for before, after in zip(scored.given, scored.found, strict=True):
        assert after[:7] == before[:7]
        assert after[8:] == before[8:]
        assert after[7].startswith(before[7] + ";BDL_donor_REF=")
        assert "BDL_STATUS" not in after[7]  # all plainly scored
    assert scored.index.exists()


def test_no_reference_mismatch(scored: Scored) -> None:
    # mismatch is strict, so the first would have ended the run; the table says so as well.
    assert scored.table["status"].value_counts().to_dict() == {"scored": 977}
    classes = scored.table["class"].str.lower().value_counts()
    assert classes["snv"] == 855
    assert classes["deletion"] == 122


def test_scores_are_those_of_the_edited_genome(
    scored: Scored, folder: Path, genome_path: Path, models: list[Path]
) -> None:
    genome = open_genome(genome_path, folder / "cache")
    offset, _ = genome.contigs["20"]
    networks = [restore_model(read_checkpoint(path)) for path in models]

    def read(sequence: bytes) -> np.ndarray:
        assert len(sequence) == WINDOW
        codes = torch.from_numpy(DNA.encode(sequence).astype(np.int64))
        one_hot = torch.nn.functional.one_hot(codes, 4).T.float()[None]
        with torch.inference_mode():
            return np.array([float(network(one_hot)) for network in networks])

    deletions = scored.table["ref"].str.len() == 2
    for _, row in pd.concat(
        [scored.table[~deletions][::120], scored.table[deletions][::40]]
    ).iterrows():
        # In bytes of the genome: an SNV changes one, a deletion CA>C takes the second away.
        start = row["start"] if len(row["ref"]) == 1 else row["start"] + 1
        middle = start if len(row["ref"]) == 1 else (start + start + 1) // 2
        left = offset + middle - WINDOW // 2
        window = bytes(genome.bases[left : left + WINDOW])
        place = offset + start - left
        reference = read(window)
        if len(row["ref"]) == 1:
            alternative = read(window[:place] + row["alt"].encode() + window[place + 1 :])
        else:
            after = bytes(genome.bases[left + WINDOW : left + WINDOW + 1])
            before = bytes(genome.bases[left - 1 : left])
            kept_left = read(window[:place] + window[place + 1 :] + after)
            kept_right = read(before + window[:place] + window[place + 1 :])
            alternative = (kept_left + kept_right) / 2
        difference = alternative - reference
        assert row["ref:donor"] == pytest.approx(reference.mean(), abs=1e-5)
        assert row["alt:donor"] == pytest.approx(alternative.mean(), abs=1e-5)
        assert row["diff:donor"] == pytest.approx(difference.mean(), abs=1e-5)
        assert row["sd:donor"] == pytest.approx(difference.std(ddof=1), abs=1e-5)


def test_the_vcf_says_what_the_table_says(scored: Scored) -> None:
    info = [dict(pair.split("=") for pair in line[7].split(";")) for line in scored.found]
    written = np.array([float(entry["BDL_donor_DIFF"]) for entry in info])
    assert written == pytest.approx(scored.table["diff:donor"].to_numpy(float), rel=1e-5)
    assert np.abs(written).max() > 0


def test_a_vcf_that_says_chr20_is_read_as_20(
    scored: Scored, folder: Path, vcf: Path, genome_path: Path, models: list[Path]
) -> None:
    with gzip.open(vcf, "rt") as handle:
        text = handle.read().replace("contig=<ID=20,", "contig=<ID=chr20,")
    other = folder / "chr20"
    other.mkdir()
    (other / "cache").symlink_to(folder / "cache")
    renamed = other / "renamed.vcf"
    renamed.write_text(text.replace("\n20\t", "\nchr20\t"))
    _score(other, renamed, genome_path, models)
    lines = _read_lines(other / "scored.vcf.gz")
    assert {line[0] for line in lines} == {"chr20"}
    assert [line[1:] for line in lines] == [line[1:] for line in scored.found]
    assert any(
        "chr20 as 20" in note for note in json.loads((other / "scored.json").read_text())["notes"]
    )
