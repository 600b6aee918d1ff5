"""The page: whole, self-contained, safe, the same on every run."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bioseq_dl.config import Config, Targets, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.report.inputs import RunFiles
from bioseq_dl.report.page import build_report

VOID = {"meta", "link", "br", "img", "hr", "input"}
SECTIONS = (
    "results",
    "data",
    "split",
    "training",
    "errors",
    "provenance",
)


class Page(HTMLParser):
    """Collects what a browser would load, the ids, and whether tags match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        found = dict(attributes)
        self.tags.append(tag)
        if "id" in found:
            self.ids.append(found["id"])
        for name in ("src", "srcset", "data", "poster", "action", "xlink:href"):
            if name in found:
                self.loads.append(found[name])
        if "href" in found:
            (self.links if tag == "a" else self.loads).append(found["href"])
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attributes: Any) -> None:
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def built(
    motif_run: tuple[Config, RunFiles], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, str]:
    config, files = motif_run
    out = tmp_path_factory.mktemp("report") / "report.html"
    build_report(config, {"small": files}, out)
    return out, out.read_text(encoding="utf-8")


def test_page_loads_nothing(built: tuple[Path, str]) -> None:
    page = Page(built[1])
    assert not page.open
    assert all(load.startswith("#") for load in page.loads), page.loads
    assert not {"script", "link", "iframe", "img", "object", "embed"} & set(page.tags)
    assert all(re.match(r"#|figures/|tables/", link) for link in page.links)
    assert not re.search(r"@import|url\((?!#)|javascript:", built[1])
    assert "<svg" in built[1]


def test_ids_are_unique_and_links_lead_somewhere(built: tuple[Path, str]) -> None:
    out, text = built
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    for link in (*page.links, *page.loads):
        if link.startswith("#"):
            assert link[1:] in page.ids, link
        else:
            assert (out.parent / link).exists(), link


def test_every_section_and_finding_is_there(built: tuple[Path, str]) -> None:
    text = built[1]
    page = Page(text)
    for section in SECTIONS:
        assert f"small-{section}" in page.ids
    first = text.index("AUROC")
    assert text.index("<main>") < first < text.index("<svg")  # the answer comes first
    plain = re.sub(r"<[^>]+>", "", text)
    for words in (
        "k-mer baseline",
        "0.8 published",
        "Doe et al.",
        "Temperature",
        "4 were rejected",
        "1 more unknown letters than max_unknown_fraction",
        "Policy drop",
        "reverse complements",
        "Left out",
        "Some Processor, 2 cores, 8 GB memory",
        "0123456789abcdef0123456789abcdef01234567",
        "torch 2.13.0",
        "no GPU was found",
        "the processor has no bf16",
        "123\u202f456",
        "resumed",
        "Seeds",
        "train (seed 2) 12.3 s",
        "512 MB",
        "learning_rate: 0.001",
        "4-mers, one strand",
        "Validation AUROC",
        "in history.csv it is the column val_score",
        "Most confident mistakes",
    ):
        assert words.replace('"', "&#34;") in plain, words
    sha = re.findall(r"\b[0-9a-f]{64}\b", plain)
    assert len(sha) == 2


def test_hostile_text_is_escaped(built: tuple[Path, str]) -> None:
    text = built[1]
    assert "<script" not in text
    assert "A &lt;small&gt; run" in text
    assert "Motifs &amp; more" in text
    assert "Doe et al., &#34;A paper&#34;" in text


def test_hostile_ids_in_pairs_and_errors_are_escaped(
    motif_run: tuple[Config, RunFiles], tmp_path: Path
) -> None:
    config, files = motif_run
    assert files.pairs is not None
    pairs = pd.DataFrame(
        [[0, "test", "<script>x</script>", "train", "a&b", "exact", 1.0, "+"]],
        columns=["fold", "role", "id", "other_role", "other_id", "kind", "containment", "strand"],
    )
    pairs.to_csv(tmp_path / "pairs.tsv", sep="\t", index=False)
    changed = RunFiles(metrics=files.metrics, audit=files.audit, pairs=tmp_path / "pairs.tsv")
    build_report(config, {"small": changed}, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    assert "<script" not in text
    assert "&lt;script&gt;x&lt;/script&gt;" in text
    assert "a&amp;b" in text


def test_figures_stand_alone_with_their_numbers(built: tuple[Path, str]) -> None:
    folder = built[0].parent
    figures = sorted((folder / "figures").rglob("*.svg"))
    names = {path.stem for path in figures}
    assert {
        "roc", "pr", "calibration", "confusion", "loss", "score", "lengths", "gc",
        "error_rates", "overview_auroc", "overview_accuracy",
    } <= names  # fmt: skip
    for path in figures:
        root = ET.parse(path).getroot()
        assert root.tag == "{http://www.w3.org/2000/svg}svg"
        numbers = folder / "tables" / path.relative_to(folder / "figures").with_suffix(".tsv")
        assert len(pd.read_csv(numbers, sep="\t"))
    learning = pd.read_csv(folder / "tables/small/loss.tsv", sep="\t")
    assert len(learning) == 18
    assert set(learning["seed"]) == {1, 2, 3}


def test_same_inputs_give_the_same_bytes(
    built: tuple[Path, str], motif_run: tuple[Config, RunFiles], tmp_path: Path
) -> None:
    config, files = motif_run
    build_report(config, {"small": files}, tmp_path / "report.html")
    first = sorted(path for path in built[0].parent.rglob("*") if path.is_file())
    for path in first:
        again = tmp_path / path.relative_to(built[0].parent)
        assert path.read_bytes() == again.read_bytes(), path.name


def test_several_runs_share_a_page(motif_run: tuple[Config, RunFiles], tmp_path: Path) -> None:
    config, files = motif_run
    data = config.model_dump(mode="json")
    data["runs"]["other.run"] = data["runs"]["small"] | {"title": "Another"}
    both = validate_config(data)
    build_report(both, {"other.run": files, "small": files}, tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    page = Page(text)
    assert len(page.ids) == len(set(page.ids))
    assert text.index('id="run-small"') < text.index('id="run-other.run"')  # the config's order
    overview = pd.read_csv(tmp_path / "tables/overview_auroc.tsv", sep="\t")
    assert overview["run"].tolist() == ["small"] * 2 + ["other.run"] * 2
    assert (tmp_path / "figures/other.run/roc.svg").exists()


@pytest.mark.parametrize(
    ("targets", "figures"),
    [
        (Targets(names=("a", "b & <c>", "$d$")), {"roc", "pr", "calibration", "confusion_a"}),
        (Targets(names=tuple(f"t{i}" for i in range(9))), {"roc", "confusion_t3"}),
        (
            Targets(kind="multiclass", names=("site",), classes=("x", "y", "<z>")),
            {"roc", "pr", "calibration", "confusion"},
        ),
        (Targets(kind="regression", names=("level", "rate")), {"scatter_level", "scatter_rate"}),
    ],
    ids=["multilabel", "many", "multiclass", "regression"],
)
def test_every_kind_of_target(
    made_run: Callable[..., tuple[Config, RunFiles]],
    tmp_path: Path,
    targets: Targets,
    figures: set[str],
) -> None:
    config, files = made_run(targets, folds=2, seeds=(0, 1))
    build_report(config, {"made": files}, tmp_path / "out/report.html")
    text = (tmp_path / "out/report.html").read_text()
    page = Page(text)
    assert not page.open
    found = {path.stem for path in (tmp_path / "out/figures/made").iterdir()}
    assert figures <= found
    assert "over 2 folds" in text
    assert "Single folds" in text
    # No ingest.json and no audit.json were given.
    assert "Not recorded: there is no ingest.json." in text
    assert "The audit is not recorded." in text
    assert "The split was not audited for leakage." in text


def test_run_without_baseline_training_or_anything_else(
    made_run: Callable[..., tuple[Config, RunFiles]], tmp_path: Path
) -> None:
    config, files = made_run(Targets())
    alone = RunFiles(metrics=files.metrics)
    for table in ("curves", "confusion", "errors", "error_rates"):
        (files.metrics.parent / f"{table}.tsv").unlink()
    build_report(config, {"made": alone}, tmp_path / "out/report.html")
    text = (tmp_path / "out/report.html").read_text()
    assert "The training is not recorded." in text
    assert "No mistakes are recorded." in text
    assert "One seed was trained" in text


def test_what_cannot_be_read_is_said(
    made_run: Callable[..., tuple[Config, RunFiles]], tmp_path: Path
) -> None:
    config, files = made_run(Targets())
    with pytest.raises(InputError, match="no such run in the config; found 'x'; allowed: made"):
        build_report(config, {"x": files}, tmp_path / "r.html")
    with pytest.raises(InputError, match="run evaluate first"):
        build_report(config, {"made": RunFiles(metrics=tmp_path / "none")}, tmp_path / "r.html")
    files.metrics.write_text("{")
    with pytest.raises(InputError, match=r"metrics\.json: not valid JSON"):
        build_report(config, {"made": files}, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_a_hundred_targets_do_not_flood_the_page(
    made_run: Callable[..., tuple[Config, RunFiles]], tmp_path: Path
) -> None:
    config, files = made_run(Targets(names=tuple(f"t{i:03d}" for i in range(100))))
    build_report(config, {"made": files}, tmp_path / "out/report.html")
    text = (tmp_path / "out/report.html").read_text()
    assert "The first 60 of 100 rows." in text
    assert len(text) < 3_000_000
