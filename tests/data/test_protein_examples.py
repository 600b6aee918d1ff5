"""What the road makes of proteins: files, batches, one-hot, k-mers, the audit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from bioseq_dl.config import Augment, Encode, ProteinAudit, Targets
from bioseq_dl.data.audit import audit_folds
from bioseq_dl.data.batches import gather
from bioseq_dl.data.examples import read_examples, write_examples
from bioseq_dl.data.feed import feed_batch
from bioseq_dl.data.kmers import NONE, pack_kmers
from bioseq_dl.data.sequences import read_sequences
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.encode.examples import Examples
from bioseq_dl.encode.sequence import encode_proteins, encode_records

TARGETS = Targets(kind="regression", names=("score",))
RANDOM = np.random.default_rng(0)


def draw(length: int) -> str:
    return "".join(RANDOM.choice(list(PROTEIN.letters), length))


def make_examples(sequences: list[str], weights: list[float] | None = None) -> Examples:
    columns = {
        "id": pa.array([f"v{n}" for n in range(len(sequences))]),
        "sequence": pa.array(sequences),
        "target:score": pa.array(np.arange(len(sequences)), pa.float32()),
    }
    if weights is not None:
        columns["weight"] = pa.array(weights, pa.float32())
    records = pa.table(columns).replace_schema_metadata({"wild_type": "MKLVU"})
    folds = pa.table({"id": columns["id"], "fold0": ["train"] * len(sequences)})
    return encode_proteins(records, folds, TARGETS, Encode())


def test_file_holds_alphabet_weights_and_wild_type(tmp_path: Path) -> None:
    examples = make_examples(["MKLVU", "MKLX"], [0.5, 1.5])
    write_examples(tmp_path / "a", examples)
    read = read_examples(tmp_path / "a")
    assert read.alphabet is PROTEIN
    assert read.weights is not None
    assert read.weights.tolist() == [0.5, 1.5]
    assert read.wild_type is not None
    assert PROTEIN.decode(np.array(read.wild_type)) == "MKLVC"
    assert PROTEIN.decode(np.array(read.codes)) == "MKLVCMKLX"


def test_dna_files_say_nothing_of_weights(tmp_path: Path) -> None:
    records = pa.table({"id": ["a"], "sequence": ["ACGT"], "target:score": pa.array([1.0])})
    folds = pa.table({"id": ["a"], "fold0": ["train"]})
    write_examples(tmp_path / "a", encode_records(records, folds, TARGETS, Encode()))
    data = (tmp_path / "a").read_bytes()
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    assert list(header) == ["__metadata__", "offsets", "targets", "codes", "roles"]
    assert json.loads(header["__metadata__"]["alphabet"]) == "ACGT"


def test_padding_is_the_unknown_residue() -> None:
    batch = gather(make_examples(["MKLVU", "MK"]), np.array([0, 1]))
    assert batch.codes[1].tolist() == [10, 8, 20, 20, 20]


def test_columns_have_a_row_per_residue_and_labels_their_weights() -> None:
    examples = make_examples(["MKX"], [2.0])
    (columns, _), labels = feed_batch(examples, np.array([0]), torch.device("cpu"))
    assert columns.shape == (1, 20, 3)
    assert columns.sum(1).tolist() == [[1.0, 1.0, 0.0]]
    assert columns.argmax(1)[0, :2].tolist() == [10, 8]
    targets, weights = labels
    assert targets.tolist() == [[0.0]]
    assert weights.tolist() == [2.0]


def test_uniform_unknown_is_a_twentieth() -> None:
    examples = replace(make_examples(["X"]), unknown="uniform")
    (columns, _), _ = feed_batch(examples, np.array([0]), torch.device("cpu"))
    assert torch.allclose(columns, torch.full((1, 20, 1), 0.05))


def test_substitutions_draw_from_all_residues() -> None:
    examples = make_examples(["M" * 2000 + "X"])
    (columns, _), _ = feed_batch(
        examples,
        np.array([0]),
        torch.device("cpu"),
        Augment(substitution=0.5),
        torch.Generator().manual_seed(1),
    )
    counts = columns[0].sum(1)
    assert int((counts > 0).sum()) == 20
    assert 950 < counts[10] < 1150  # half stay, and one in twenty is drawn again
    assert columns[0, :, -1].sum() == 0


def test_kmers_of_residues_are_packed_one_to_one() -> None:
    text = draw(40) + "X" + draw(40)
    packed = pack_kmers(read_sequences(pa.array([text])), 12, False, PROTEIN)
    kmers = [text[start : start + 12] for start in range(len(text) - 11)]
    known = [kmer for kmer in kmers if "X" not in kmer]
    assert (packed != NONE).sum() == len(known)
    assert len(set(packed[packed != NONE].tolist())) == len(set(known))
    with pytest.raises(ValueError, match="at most 12"):
        pack_kmers(read_sequences(pa.array([text])), 13, False, PROTEIN)


def test_audit_finds_equal_and_similar_proteins() -> None:
    first, second = draw(200), draw(200)
    similar = list(first)
    for place in range(0, 200, 20):
        similar[place] = "W" if similar[place] != "W" else "A"
    records = pa.table(
        {
            "id": ["a", "b", "c", "d", "e"],
            "sequence": [first, "".join(similar), second, second, draw(200)],
            "target:score": pa.array([0.0] * 5),
        }
    )
    folds = pa.table({"id": records["id"], "fold0": ["train", "test", "train", "test", "test"]})
    result = audit_folds(records, folds, ProteinAudit(policy="drop"))
    pairs = {(row["id"], row["other_id"], row["kind"]) for row in result.pairs.to_pylist()}
    assert pairs == {("b", "a", "near"), ("d", "c", "exact")}
    assert result.folds["fold0"].to_pylist() == ["drop", "test", "drop", "test", "test"]
