"""Starting a project, and checking a config before anything runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from small_project import Project, draw_sequences, write_fasta

from bioseq_dl.cli import init
from bioseq_dl.cli.main import main
from bioseq_dl.config import load_config

RECIPES = sorted(path.stem for path in init.RECIPES.glob("*.yaml"))


@pytest.mark.parametrize("recipe", RECIPES)
def test_init_writes_a_recipe(
    recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "new"), "--recipe", recipe]) == 0
    written = tmp_path / "new" / "config" / "config.yaml"
    assert written.read_bytes() == (init.RECIPES / f"{recipe}.yaml").read_bytes()
    assert load_config(written).runs
    told = capsys.readouterr().out
    assert f"wrote {written}" in told
    assert "bioseq-dl check config/config.yaml" in told
    assert "snakemake --snakefile" in told


@pytest.mark.parametrize("recipe", RECIPES)
def test_examples_in_comments_of_a_recipe_can_be_used(recipe: str) -> None:
    # A comma that is not quoted ends the value: the rest becomes a key without one.
    text = (init.RECIPES / f"{recipe}.yaml").read_text()
    for line in re.findall(r"^ *# - (\{.*\})", text, re.MULTILINE):
        assert None not in yaml.safe_load(line).values(), line


def test_init_never_writes_over_a_config(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config" / "config.yaml"
    path.parent.mkdir()
    path.write_text("mine")
    assert main(["init", str(tmp_path)]) == 2
    assert path.read_text() == "mine"
    assert capsys.readouterr().err == (
        f"error: {path}: a config stands here already; fix: choose another folder or delete it\n"
    )


def test_init_of_an_unknown_recipe(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", str(tmp_path / "new"), "--recipe", "cooking"]) == 2
    assert not (tmp_path / "new").exists()
    assert capsys.readouterr().err == (
        f"error: no such recipe; found 'cooking'; allowed: {', '.join(RECIPES)}\n"
    )


def test_init_where_a_file_stands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new").write_text("a file")
    assert main(["init", str(tmp_path / "new")]) == 2
    assert "a file stands where a folder is needed" in capsys.readouterr().err
    assert (tmp_path / "new").read_text() == "a file"


def test_init_without_the_recipes_says_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(init, "RECIPES", tmp_path / "none")
    assert main(["init", str(tmp_path / "new")]) == 2
    assert "run bioseq-dl from a checkout" in capsys.readouterr().err


def check(project: Project, name: str = "config.yaml") -> int:
    return main(["check", str(project / name), "--cache", str(project / "cache")])


def test_check_prints_the_counts_and_writes_nothing(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fresh.files()
    assert check(fresh) == 0
    assert fresh.files() == before
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{fresh / 'config.yaml'}: valid, 1 run(s)"
    assert lines[2] == "cnn:"
    assert lines[3].endswith("60 of 60 records")
    assert lines[5] == "  folds: 1 (random); first: train 60, val 24, test 36"
    assert lines[-1] == "all inputs are usable"


def test_check_tells_of_rejected_records(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    write_fasta(fresh / "bound.fa", [*draw_sequences(60, 40, 1, motif=True), "ACGTXACGT"])
    assert check(fresh) == 0
    told = capsys.readouterr().out
    assert "60 of 61 records; rejected: 1 letter outside the alphabet" in told


def test_check_reads_data_that_runs_share_once(
    fresh: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    gru = fresh.section(model={"recurrent": {"kind": "gru", "hidden": 4}})
    short = fresh.section(split={"test_fraction": 0.4})
    fresh.configure(cnn=fresh.section(), gru=gru, short=short)
    assert check(fresh) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if line.endswith(":")] == ["cnn, gru:", "short:"]


def test_check_tells_where_no_training_would_begin(
    fresh: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh.configure(cnn=fresh.section(), gpu=fresh.section(train={"device": "cuda"}))
    for gpus in (0, 1):
        monkeypatch.setattr("torch.cuda.is_available", lambda gpus=gpus: gpus > 0)
        monkeypatch.setattr("torch.cuda.device_count", lambda gpus=gpus: gpus)
        monkeypatch.setattr("torch.cuda.get_device_name", lambda number: "a GPU")
        assert check(fresh) == 0  # jobs may run elsewhere
        told = capsys.readouterr().out
        assert told.splitlines()[-1] == "all inputs are usable"
        warning = "gpu: on this machine no training would begin: train.device is cuda"
        assert (warning in told) == (gpus == 0)
        assert told.count("no training would begin") == 1 - gpus


def test_check_of_a_bad_config(fresh: Project, capsys: pytest.CaptureFixture[str]) -> None:
    path = fresh.configure(cnn=fresh.section(trian={}))
    assert check(fresh) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"error: {path}, key runs.cnn.trian: unknown key")
    assert len(told.err.splitlines()) == 1


def test_check_goes_on_after_a_bad_run(fresh: Project, capsys: pytest.CaptureFixture[str]) -> None:
    broken = fresh.section()
    broken["ingest"]["inputs"][0]["source"]["path"] = str(fresh / "none.fa")
    fresh.configure(broken=broken, cnn=fresh.section())
    assert check(fresh) == 2
    lines = capsys.readouterr().out.splitlines()
    assert f"  error: {fresh / 'none.fa'}: no such file; " in lines[3]
    assert "cnn:" in lines
    assert lines[-1] == "1 problem(s) found"


BAD_FILES = {
    "missing": (None, "cannot read the config: No such file or directory"),
    "no mapping": (b"- runs\n", "a config is a mapping with a key 'runs'; found"),
    "no YAML": (b"runs:\n  a: [1\n", "line 3: not valid YAML: "),
    "tab": (b"runs:\n\ta: 1\n", "line 2: not valid YAML: "),
    "no text": (b"runs: \xff\xfe\n", "the config is not UTF-8 text"),
    "empty": (b"", "a config is a mapping with a key 'runs'"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
def test_files_that_are_no_config(
    content: bytes | None, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    if content is not None:
        path.write_bytes(content)
    assert main(["check", str(path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"error: {path}")
    assert message in error
    assert len(error.splitlines()) == 1


def test_a_folder_as_config(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path}: cannot read the config: Is a directory\n"


def score(project: Project, vcf: str) -> dict[str, object]:
    """A run's variants, with a genome of one contig '20'."""
    (project / "genome.fa").write_text(f">20\n{'ACGT' * 30}\n")
    (project / "cohort.vcf").write_text(
        "##fileformat=VCFv4.3\n#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO\n" + vcf
    )
    return {
        "cohort": {
            "format": "vcf",
            "source": {"path": str(project / "cohort.vcf")},
            "genome": {"path": str(project / "genome.fa")},
        }
    }


def test_check_reads_variants_too(fresh: Project, capsys: pytest.CaptureFixture[str]) -> None:
    variants = score(fresh, "chr20\t5\t.\tA\tC,G\t.\t.\t.\nchr20\t1\t.\tA\tT\t.\t.\t.\n")
    fresh.configure(cnn=fresh.section(variants=variants))
    assert check(fresh) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("cnn, variants cohort:")
    assert lines[start + 1] == "  2 records, 3 alleles, not sorted, so without an index"
    assert lines[start + 2] == "  contigs read under the genome's names: chr20 as 20"


@pytest.mark.parametrize(
    ("vcf", "message"),
    [
        ("chr20\t0\t.\tA\tC\t.\t.\t.\n", "line 3"),
        ("7\t5\t.\tA\tC\t.\t.\t.\n", "none of the VCF's contigs is in the genome; found '7'"),
    ],
)
def test_check_finds_bad_variants(
    fresh: Project, capsys: pytest.CaptureFixture[str], vcf: str, message: str
) -> None:
    fresh.configure(cnn=fresh.section(variants=score(fresh, vcf)))
    assert check(fresh) == 2
    told = capsys.readouterr().out
    assert f"  error: {fresh / 'cohort.vcf'}" in told
    assert message in told
    assert "1 problem(s) found" in told


def test_check_counts_mutations(fresh: Project, capsys: pytest.CaptureFixture[str]) -> None:
    (fresh / "wild_type.fa").write_text(">wt\nACGTACGT\n")
    (fresh / "scan.csv").write_text("variant\nA1C\nC2T\nG2T\n")
    scan = {
        "format": "mutations",
        "source": {"path": str(fresh / "scan.csv")},
        "wild_type": {"path": str(fresh / "wild_type.fa")},
    }
    fresh.configure(cnn=fresh.section(variants={"scan": scan}))
    assert check(fresh) == 0
    assert "  3 rows, 1 that cannot be scored" in capsys.readouterr().out
