"""The config: what is accepted, and how each mistake is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from bioseq_dl.config import Config, load_config, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.steps import stage_key

REPOSITORY = Path(__file__).parents[1]


def minimal(**changes: object) -> dict[str, object]:
    run: dict[str, object] = {
        "task": "dna_sequence",
        "ingest": {"inputs": [{"format": "fasta", "source": {"path": "a.fa"}}]},
    }
    return {"runs": {"a": run | changes}}


def residues(**changes: object) -> dict[str, object]:
    """A run that labels residues."""
    source = {"path": "a.pdb"}
    run = {
        "task": "protein_residue",
        "ingest": {"inputs": [{"format": "structure", "source": source}]},
    }
    return {"runs": {"a": run | changes}}


def scored(**changes: object) -> dict[str, object]:
    """A run that scores variants."""
    entry: dict[str, object] = {"format": "vcf", "source": {"path": "v"}, "genome": {"path": "g"}}
    return {"mine": entry | changes}


def test_defaults_fill_a_minimal_config() -> None:
    config = validate_config(minimal())
    assert config.runs["a"].train.epochs == 20
    assert config.results == "results"


def test_demo_config_is_valid_and_its_runs_share_their_data() -> None:
    runs = load_config(REPOSITORY / "config" / "config.yaml").runs
    assert stage_key(runs["cnn"], "baseline") == stage_key(runs["cnn_bilstm"], "baseline")


@pytest.mark.parametrize(
    "recipe", sorted((REPOSITORY / "config" / "recipes").glob("*.yaml")), ids=lambda path: path.stem
)
def test_recipes_are_valid(recipe: Path) -> None:
    assert load_config(recipe).runs


def test_models_are_frozen() -> None:
    config = validate_config(minimal())
    with pytest.raises(ValueError, match="frozen"):
        config.runs["a"].train.epochs = 3  # type: ignore[misc]


def test_config_loads_no_heavy_library() -> None:
    code = (
        "import sys, bioseq_dl.config, bioseq_dl.steps, bioseq_dl.source_code\n"
        "heavy = {'torch', 'numpy', 'pandas', 'pyarrow', 'sklearn', 'scipy', 'Bio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_json_round_trip_gives_the_same_config() -> None:
    config = validate_config(minimal(model={"conv": [{"channels": 8, "kernel": 5}]}))
    assert Config.model_validate_json(config.model_dump_json(exclude_unset=True)) == config
    assert yaml.safe_load(config.model_dump_json())["runs"]["a"]["task"] == "dna_sequence"


BAD = {
    "unknown key": (minimal(trian={}), "config, key runs.a.trian: unknown key"),
    "unknown key deep": (
        minimal(train={"epoch": 3}),
        "config, key runs.a.train.epoch: unknown key; allowed: seeds, epochs, ",
    ),
    "wrong type": (
        minimal(train={"epochs": "many"}),
        "config, key runs.a.train.epochs: input should be a valid integer",
    ),
    "out of range": (
        minimal(train={"learning_rate": -1}),
        "config, key runs.a.train.learning_rate: input should be greater than 0; found '-1'",
    ),
    "unknown task": (
        minimal(task="rna_folding"),
        "config, key runs.a.task: unknown value; found 'rna_folding'; allowed: dna_sequence, "
        "protein_fitness",
    ),
    "two places of a source": (
        minimal(ingest={"inputs": [{"format": "fasta", "source": {"path": "a", "url": "b"}}]}),
        "give exactly one of path, url, package",
    ),
    "bad run name": (
        {"runs": {"a/b": minimal()["runs"]["a"]}},  # type: ignore[index]
        "run name 'a/b' must match",
    ),
    "unknown published metric": (
        minimal(published=[{"metric": "acc", "value": 1, "source": "x"}]),
        "published[0]: unknown metric 'acc'; allowed: auroc, auprc, mcc",
    ),
    "unknown published target": (
        minimal(published=[{"metric": "mcc", "value": 1, "source": "x", "target": "y"}]),
        "published[0]: unknown target 'y'; targets: label",
    ),
    "no runs": ({"runs": {}}, "config, key runs: "),
    "url without hash": (
        minimal(ingest={"inputs": [{"format": "fasta", "source": {"url": "https://a.b/c"}}]}),
        "a url needs its sha256",
    ),
    "two label sources": (
        minimal(
            ingest={
                "inputs": [
                    {
                        "format": "table",
                        "source": {"path": "a.csv"},
                        "labels": {"label": 1},
                        "columns": {"label": "y"},
                    }
                ]
            }
        ),
        "two sources of labels for label: labels and columns",
    ),
    "variants format": (
        minimal(variants=scored(format="vcff")),
        "key runs.a.variants.mine.format: unknown value; found 'vcff'; allowed: vcf, mutations; "
        "fix: did you mean vcf?",
    ),
    "variants key": (
        minimal(variants=scored(genom=1)),
        "key runs.a.variants.mine.genom: unknown key; allowed: source, ",
    ),
    "variants name": (minimal(variants={"a/b": scored()["mine"]}), "variants name 'a/b' must"),
    "variants target": (
        minimal(variants=scored(targets=["x"])),
        "variants.mine.targets: unknown target 'x'; targets: label",
    ),
    "variants fold": (minimal(variants=scored(fold=1)), "variants.mine.fold: folds count from 0"),
    "variants scale": (
        minimal(variants=scored(scale="probability"), targets={"kind": "regression"}),
        "variants.mine.scale: a regression has no probabilities",
    ),
    "explain nothing": (minimal(explain={"records": 0, "motifs": None}), "nothing to explain"),
    "explain wide": (
        minimal(
            explain={"methods": ["deeplift"]},
            model={"conv": [{"channels": 1, "kernel": 3}], "wide": {"anywhere": 3}},
        ),
        "deeplift needs a network without wide",
    ),
    "explain recurrent": (
        minimal(explain={"methods": ["deeplift"]}, model={"preset": "bilstm"}),
        "deeplift needs a network without recurrent",
    ),
    "preset of residues": (
        minimal(model={"preset": "residue_cnn"}),
        "key runs.a: model.preset residue_cnn gives an output for each residue; task dna_sequence "
        "takes cnn or another preset of sequences, or layers of your own",
    ),
    "preset of sequences": (
        residues(model={"preset": "bilstm"}),
        "key runs.a: model.preset bilstm gives an output for a whole sequence; task "
        "protein_residue takes residue_cnn or another preset of residues, or layers of your own",
    ),
    "pooling of residues": (
        residues(model={"conv": [{"channels": 4, "kernel": 3, "pool": 2}]}),
        "key runs.a: model.conv[0].pool: each residue needs an output of its own",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_mistakes_are_told_in_one_line(data: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        validate_config(data, "config")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def publish(metric: str, target: str | None = None) -> Config:
    """A run of every head with one published figure."""
    figure = {"metric": metric, "value": 1, "source": "x", "target": target}
    heads = {"names": ["q3", "q8", "disorder", "rsa", "angles"]}
    return validate_config(residues(targets=heads, published=[figure]))


@pytest.mark.parametrize(
    ("metric", "target", "allowed"),
    [
        ("recall:Z", "q3", "unknown metric 'recall:Z' of q3; allowed: accuracy, sov, recall:H"),
        ("recall:G", "q3", "unknown metric 'recall:G' of q3"),
        ("recall", "q3", "unknown metric 'recall' of q3"),
        ("recall:Z", None, "unknown metric 'recall:Z'; allowed: accuracy, sov, recall:H"),
        ("accuracy", "rsa", "unknown metric 'accuracy' of rsa; allowed: mae, pearson"),
        ("auroc", "q8", "unknown metric 'auroc' of q8"),
        ("recall:H", "disorder", "of disorder; allowed: auroc, recall, precision"),
        ("pearson", "phi", "unknown metric 'pearson' of phi; allowed: angle_mae"),
        ("angle_mae", "angles", "unknown target 'angles'; targets: q3, q8, disorder, rsa, phi"),
    ],
)
def test_published_figures_are_of_metrics_that_the_target_has(
    metric: str, target: str | None, allowed: str
) -> None:
    with pytest.raises(InputError) as caught:
        publish(metric, target)
    assert allowed in str(caught.value)


@pytest.mark.parametrize(
    ("metric", "target"),
    [("recall:G", "q8"), ("recall:G", None), ("sov:E", "q3"), ("recall", "disorder"),
     ("pearson", "rsa"), ("angle_mae", "psi")],
)  # fmt: skip
def test_published_figures_of_residues(metric: str, target: str | None) -> None:
    assert publish(metric, target).runs["a"].published[0].metric == metric
