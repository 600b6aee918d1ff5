"""What explaining writes: which records, which rows, where on the genome."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from random_networks import make_checkpoint

from bioseq_dl.config import Explain
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.choice import rank
from bioseq_dl.interpret.explain import Pool, explain_models
from bioseq_dl.interpret.subjects import Place, Subject, cut_intervals, read_sequences
from bioseq_dl.interpret.tables import write_track
from bioseq_dl.interpret.windows import explain_windows
from bioseq_dl.io.genome import open_genome
from bioseq_dl.predict import predict_examples

ALL = ("mutagenesis", "integrated_gradients", "deeplift")


def make_pool(count: int = 40, length: int = 30, names: tuple[str, ...] = ("label",)) -> Pool:
    draw = np.random.default_rng(1)
    ids = [f"r{number}" for number in range(count)]
    roles = np.array([ROLES.index(("train", "val", "test")[n % 3]) for n in range(count)], np.uint8)
    spec = make_checkpoint(names=names).targets
    examples = Examples(
        codes=draw.integers(0, 4, count * length).astype(np.uint8),
        offsets=np.arange(count + 1, dtype=np.int64) * length,
        targets=draw.integers(0, 2, (count, len(names))).astype(np.float32),
        roles=roles[None],
        spec=spec,
        unknown="zeros",
        ids_sha256=hash_ids(ids),
    )
    return Pool(examples, ids)


def sequence(length: int = 30, seed: int = 0, name: str = "s") -> Subject:
    codes = np.random.default_rng(seed).integers(0, 4, length).astype(np.uint8)
    return Subject("sequence", name, codes)


def settings(**changes: Any) -> Explain:
    return Explain.model_validate({"motifs": None, "references": 2, "steps": 4} | changes)


def test_records_with_the_highest_scores_are_explained(tmp_path: Path) -> None:
    pool = make_pool(names=("a", "b"))
    models = [make_checkpoint(seed=seed, names=("a", "b")) for seed in (0, 1)]
    told = explain_models(settings(records=2), models, tmp_path, pool=pool)
    rows = pool.examples.select(0, "test")
    cpu = torch.device("cpu")
    scores = np.mean([predict_examples(m, pool.examples, rows, cpu) for m in models], axis=0)
    expected = [
        (pool.ids[rows[place]], name, round(float(scores[place, target]), 4))
        for target, name in enumerate(("a", "b"))
        for place in np.argsort(-scores[:, target])[:2]
    ]
    found = [(row["id"], row["target"], round(row["score"], 4)) for row in told["records"]]
    assert found == expected
    assert [row["rank"] for row in told["records"]] == [1, 2, 1, 2]
    labels = {name: pool.examples.targets[int(name[1:])] for name, _, _ in expected}
    for row in told["records"]:
        assert row["label"] == labels[row["id"]][("a", "b").index(row["target"])]
    table = pq.read_table(tmp_path / "attributions.parquet").to_pandas()
    assert len(table) == 4 * 30
    pairs = table[["id", "target"]].drop_duplicates().itertuples(index=False)
    assert {tuple(pair) for pair in pairs} == {(name, target) for name, target, _ in expected}
    assert table["chrom"].isna().all()


def test_ties_keep_the_records_order() -> None:
    assert rank(np.array([1.0, 3.0, 2.0, 3.0, 3.0]), 3).tolist() == [1, 3, 4]
    assert rank(np.array([1.0]), 3).tolist() == [0]


def test_rows_of_the_tables_are_the_numbers(tmp_path: Path) -> None:
    models = [make_checkpoint(seed=seed, names=("a", "b")) for seed in (0, 1)]
    subjects = [sequence(30, 1, "one"), sequence(30, 2, "two"), sequence(36, 3, "long")]
    subjects[1].codes[5] = 4
    models = [make_checkpoint(seed=seed, names=("a", "b"), length=None) for seed in (0, 1)]
    told = explain_models(settings(methods=ALL), models, tmp_path, subjects=subjects)
    table = pq.read_table(tmp_path / "attributions.parquet").to_pandas()
    assert len(table) == (30 + 30 + 36) * 2 * 3
    mutations = pq.read_table(tmp_path / "mutations.parquet").to_pandas()
    assert len(mutations) == ((30 + 30 + 36) * 3 + 1) * 2  # an unknown letter has four
    for subject in subjects:
        for method in ALL:
            found = explain_windows(models, subject.codes[None], method, references=2, steps=4)
            for place, target in enumerate(("a", "b")):
                rows = table[
                    (table["id"] == subject.id)
                    & (table["target"] == target)
                    & (table["method"] == method)
                ]
                assert rows["position"].tolist() == list(range(len(subject.codes)))
                assert "".join(rows["letter"]) == DNA.decode(subject.codes)
                np.testing.assert_allclose(
                    rows["contribution"], found.present[0, :, place], atol=1e-6
                )
                assert found.sd is not None
                np.testing.assert_allclose(rows["sd"], found.sd[0, :, place], atol=1e-6)
            if found.changes is None:
                continue
            rows = mutations[(mutations["id"] == subject.id) & (mutations["target"] == "b")]
            assert (rows["reference"].astype(str) != rows["letter"].astype(str)).all()
            letters = rows["letter"].astype(str).map("ACGT".index)
            np.testing.assert_allclose(
                rows["change"], found.changes[0, rows["position"], letters, 1], atol=1e-6
            )
    assert told["counts"] == {"record": 0, "interval": 0, "sequence": 3}
    assert {row["method"] for row in told["agreement"]["models"]} == set(ALL)
    assert len(told["agreement"]["methods"]) == 2 * 3
    both = table[table["target"] == "a"].pivot_table(
        index=["id", "position"], columns="method", values="contribution", observed=True
    )
    expected = np.corrcoef(both["mutagenesis"], both["deeplift"])[0, 1]
    row = next(r for r in told["agreement"]["methods"] if r["methods"] == [ALL[0], ALL[2]])
    assert row["correlation"] == pytest.approx(expected, abs=1e-4)
    windows = json.loads((tmp_path / "windows.json").read_text())
    assert [w["id"] for w in windows if w["target"] == "a"] == ["one", "two", "long"]
    assert windows[0]["sequence"] == DNA.decode(subjects[0].codes)
    assert np.shape(windows[0]["changes"]) == (30, 4)


def test_the_same_again_is_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        explain_models(
            settings(methods=ALL), [make_checkpoint()], tmp_path / name, subjects=[sequence()]
        )
    for file in ("attributions.parquet", "mutations.parquet", "windows.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_no_more_outputs_than_asked_for(tmp_path: Path) -> None:
    model = make_checkpoint(kind="multiclass", names=["cell"], classes=list("ABCDEF"))
    told = explain_models(settings(max_targets=4), [model], tmp_path, subjects=[sequence()])
    assert told["outputs"] == ["cell:A", "cell:B", "cell:C", "cell:D"]
    assert told["notes"] == ["4 of 6 outputs are explained (max_targets)"]
    told = explain_models(settings(targets=["cell:F"]), [model], tmp_path, subjects=[sequence()])
    assert told["outputs"] == ["cell:F"]
    assert told["notes"] == []


def test_intervals_stand_where_the_genome_has_them(tmp_path: Path) -> None:
    bases = "".join(np.random.default_rng(0).choice(list("ACGT"), 200))
    (tmp_path / "g.fa").write_text(f">20\n{bases}\n")
    (tmp_path / "x.bed").write_text(
        "chr20\t50\t53\ta\t0\t+\nchr20\t60\t63\tb\t0\t-\nchr20\t2\t4\tc\t0\t+\nchrX\t1\t2\n"
    )
    genome = open_genome(tmp_path / "g.fa", tmp_path / "cache")
    subjects, notes = cut_intervals(tmp_path / "x.bed", genome, 30, "use")
    assert [subject.id for subject in subjects] == [
        "chr20:50-53(+)", "chr20:60-63(-)", "chr20:2-4(+)"
    ]  # fmt: skip
    assert notes == [
        "contigs read under the genome's names: chr20 as 20",
        "intervals that are not explained (contig not in the genome): 1; the first is chrX:1-2",
        "windows that reach beyond their contig, padded with N: 1",
    ]
    told = explain_models(
        settings(methods=("mutagenesis", "deeplift")),
        [make_checkpoint()],
        tmp_path / "out",
        subjects=subjects,
    )
    assert told["counts"]["interval"] == 3
    table = pq.read_table(tmp_path / "out/attributions.parquet").to_pandas()
    table = table[table["genome_position"].notna() & (table["method"] == "deeplift")]
    pairs = {"A": "T", "C": "G", "G": "C", "T": "A"}
    for row in table.itertuples():
        letter = pairs[row.letter] if row.id.endswith("(-)") else row.letter
        assert row.chrom == "20"
        assert letter == bases[int(row.genome_position)]
    minus = table[table["id"] == "chr20:60-63(-)"]
    # Letter 15 of a window of 30 is the interval's centre on both strands.
    assert minus["genome_position"].iloc[15] == 61
    assert table[table["id"] == "chr20:50-53(+)"]["genome_position"].iloc[15] == 51
    lines = (tmp_path / "out/label.deeplift.bedgraph").read_text().splitlines()
    assert lines[0] == 'track type=bedGraph name="label deeplift"'
    rows = [line.split("\t") for line in lines[1:]]
    starts = [int(row[1]) for row in rows]
    assert starts == sorted(set(starts))
    assert all(int(row[2]) - int(row[1]) == 1 for row in rows)
    shared = set(starts) & set(range(36, 66)) & set(range(47, 77))
    assert told["notes"][-1] == (
        f"bases in several windows, of which the tracks have the mean contribution: {len(shared)}"
    )
    by_base = table.groupby("genome_position")["contribution"].mean()
    for row in rows:
        assert float(row[3]) == pytest.approx(by_base[int(row[1])], rel=1e-4, abs=1e-7)


def test_a_track_leaves_padding_out(tmp_path: Path) -> None:
    place = Place("c", -2, 3, "+")
    subject = Subject("interval", "i", np.array([4, 4, 0, 1, 2], np.uint8), place)
    write_track(tmp_path / "t", "n", [subject], [np.arange(5, dtype=np.float32)])
    assert (tmp_path / "t").read_text() == (
        'track type=bedGraph name="n"\nc\t0\t1\t2\nc\t1\t2\t3\nc\t2\t3\t4\n'
    )


def refusal(tmp_path: Path, **given: Any) -> str:
    with pytest.raises(InputError) as caught:
        explain_models(
            given.pop("settings", settings()),
            given.pop("models", [make_checkpoint()]),
            tmp_path / "out",
            **given,
        )
    assert not (tmp_path / "out").exists()
    return str(caught.value).replace(str(tmp_path), "{tmp}")


def test_what_does_not_fit_is_told_before_the_work(tmp_path: Path) -> None:
    assert refusal(tmp_path) == ("nothing to explain; fix: give records, intervals or sequences")
    assert refusal(tmp_path, settings=settings(targets=["x"]), subjects=[sequence()]) == (
        "no such target to explain; found 'x'; allowed: label"
    )
    flat = make_checkpoint({"conv": [{"channels": 4, "kernel": 3}], "pooling": "flatten"})
    assert refusal(tmp_path, models=[flat], subjects=[sequence(28)]) == (
        "record 's': this network was made for windows of one length; "
        "found '28 bases'; allowed: 30 bases"
    )
    gru = make_checkpoint({"recurrent": {"kind": "gru", "hidden": 4}})
    lifted = settings(methods=["mutagenesis", "deeplift"])
    assert refusal(tmp_path, settings=lifted, models=[gru], subjects=[sequence()]).startswith(
        "deeplift has no rule for recurrent layers; found 'recurrent: gru'"
    )
    pool = make_pool()
    assert refusal(tmp_path, pool=Pool(pool.examples, ["x", *pool.ids[1:]])) == (
        "records.parquet and examples.safetensors hold different records; "
        "fix: run encode again on these records"
    )
    assert refusal(tmp_path, pool=make_pool(names=("open",))) == (
        "the models predict other targets than the records have; found 'label'; allowed: open"
    )
    untested = Examples(**{**vars(pool.examples), "roles": np.zeros((1, 40), np.uint8)})
    assert refusal(tmp_path, pool=Pool(untested, pool.ids)) == (
        "no record of fold 0 has the role test, so none can be explained"
    )


def test_another_length_is_told(tmp_path: Path) -> None:
    told = explain_models(settings(), [make_checkpoint()], tmp_path, subjects=[sequence(40)])
    assert told["notes"] == ["sequences of 40 bases are explained; the models were trained on 30"]


def test_sequences_of_a_fasta(tmp_path: Path) -> None:
    path = tmp_path / "x.fa"
    path.write_text(">one\nACGU\n>two\nacgtn\n")
    found = read_sequences(path)
    assert [(s.kind, s.id, DNA.decode(s.codes)) for s in found] == [
        ("sequence", "one", "ACGT"),
        ("sequence", "two", "ACGTN"),
    ]
    path.write_text(">one\nACGT\n>two\nACGL\n")
    with pytest.raises(InputError) as caught:
        read_sequences(path)
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == (
        "{tmp}/x.fa, record 'two', position 4: letter outside the alphabet; found 'L'"
    )
    path.write_text(">one\n")
    with pytest.raises(InputError, match="record 'one': empty sequence"):
        read_sequences(path)


def test_intervals_off_the_contig(tmp_path: Path) -> None:
    (tmp_path / "g.fa").write_text(f">c\n{'ACGT' * 10}\n")
    (tmp_path / "x.bed").write_text("c\t30\t41\n")
    genome = open_genome(tmp_path / "g.fa", tmp_path / "cache")
    with pytest.raises(InputError) as caught:
        cut_intervals(tmp_path / "x.bed", genome, 30, "use")
    assert str(caught.value).replace(str(tmp_path), "{tmp}") == (
        "{tmp}/x.bed, line 1: the interval ends beyond its contig; found 'c 30 41'; "
        "allowed: end up to 40; fix: use the genome of the same assembly"
    )
