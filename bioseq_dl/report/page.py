"""The report: one page for all runs of a config, with its figures and tables beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from bioseq_dl import __version__
from bioseq_dl.config import Config, Run
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_text
from bioseq_dl.report import cell_sections, residue_sections
from bioseq_dl.report.explain import Explained, read_explained, tell_explained
from bioseq_dl.report.figures import draw_error_rates, draw_performance
from bioseq_dl.report.figures_of_steps import draw_data, draw_learning, draw_overview
from bioseq_dl.report.inputs import RunFiles, RunResults, read_run
from bioseq_dl.report.landscape import Told, read_landscape, tell_landscape
from bioseq_dl.report.saliency import Scored, read_saliency, tell_saliency
from bioseq_dl.report.search import History, read_searches, tell_search
from bioseq_dl.report.sections import Section
from bioseq_dl.report.style import Picture
from bioseq_dl.report.table import Table
from bioseq_dl.report.tables import (
    tabulate_calibration,
    tabulate_errors,
    tabulate_metrics,
    tabulate_overview,
    tabulate_published,
    tabulate_targets,
)
from bioseq_dl.report.tables_of_residues import tabulate_residues
from bioseq_dl.report.tables_of_steps import (
    tabulate_hashes,
    tabulate_inputs,
    tabulate_labels,
    tabulate_leaks,
    tabulate_pairs,
    tabulate_provenance,
    tabulate_roles,
    tabulate_training,
    tell_audit,
    tell_device,
)
from bioseq_dl.report.variants import tell_variants
from bioseq_dl.report.words import (
    say_count,
    tell_calibration,
    tell_leaks,
    tell_published,
    tell_result,
    tell_seeds,
)

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Chapter:
    """A run on the page."""

    name: str
    title: str
    answer: str
    further: Sequence[str]
    sections: Sequence[Section]
    config: str
    """The resolved config, YAML."""


def build_report(config: Config, runs: Mapping[str, RunFiles], out: Path) -> None:
    """Write the report of all runs: ``report.html``, ``figures/`` and ``tables/`` beside it.

    The page needs nothing but itself; equal inputs give equal bytes.

    Parameters
    ----------
    config : Config
        The whole config.
    runs : mapping
        Run's name: files its steps wrote. Runs appear in the config's order.
    out : Path
        The page.

    Raises
    ------
    InputError
        Where a run is not in the config, or a file is missing or damaged.
    """
    unknown = sorted(set(runs) - set(config.runs))
    if unknown or not runs:
        raise InputError(
            "no such run in the config" if unknown else "no runs to report",
            found=", ".join(unknown) or None,
            allowed=", ".join(config.runs),
        )
    read = [read_run(name, runs[name]) for name in config.runs if name in runs]
    overview = list(draw_overview(read))
    chapters = [
        _write_chapter(
            config.runs[run.name],
            run,
            read_explained(runs[run.name].explained),
            read_landscape(runs[run.name].landscape),
            read_saliency(runs[run.name].saliency),
            read_searches(runs[run.name].searches),
        )
        for run in read
    ]
    _save_pictures(out.parent, "", overview)
    for chapter in chapters:
        for section in chapter.sections:
            _save_pictures(out.parent, chapter.name, section.pictures)
    environment = Environment(
        loader=PackageLoader("bioseq_dl.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    page = template.render(
        title=config.title,
        chapters=chapters,
        overview=tabulate_overview(read),
        overview_pictures=overview,
        definitions=_definitions(read),
        settings=read[0].metrics["settings"],
        version=__version__,
    )
    write_text(out, page)


def _write_chapter(
    run: Run,
    results: RunResults,
    explained: Explained | None,
    landscape: Told | None,
    scored: Scored | None,
    searches: Sequence[History],
) -> Chapter:
    metrics = results.metrics
    telling = _OF_CELLS if results.cells else _TELLING.get(metrics["kind"], _OF_RECORDS)
    return Chapter(
        name=results.name,
        title=run.title or results.name,
        answer=tell_result(metrics),
        further=[*tell_published(metrics), tell_seeds(metrics), tell_leaks(results.audit)],
        sections=[
            telling.results(results),
            telling.data(results),
            _tell_split(run, results),
            *([tell_search(results.name, searches, metrics)] if searches else []),
            _tell_training(results),
            *telling.errors(results),
            *(tell_variants(results.name, name, found) for name, found in results.variants.items()),
            *([tell_explained(results.name, explained)] if explained is not None else []),
            *([tell_landscape(results.name, landscape, metrics)] if landscape is not None else []),
            *([tell_saliency(results.name, scored, metrics)] if scored is not None else []),
            _tell_provenance(results),
        ],
        config=yaml.safe_dump(run.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
    )


def _tell_results(results: RunResults) -> Section:
    tables = [
        tabulate_metrics(results),
        tabulate_targets(results),
        tabulate_published(results),
        tabulate_calibration(results),
    ]
    told = [tell_calibration(results.metrics)]
    pictures = list(draw_performance(results))
    return Section("results", "Results", _given(told), _given(tables), pictures)


def _tell_data(
    results: RunResults,
    tabulate: Callable[[RunResults, Mapping[str, Any]], Table | None] = tabulate_labels,
) -> Section:
    ingest = results.ingest
    if ingest is None:
        return Section("data", "Data", ["Not recorded: there is no ingest.json."], [], [])
    rejected = ingest["rejected"]
    lengths = _tell_lengths(ingest["lengths"], results.unit)
    told = [
        f"{say_count(ingest['records'])} records; of {say_count(rejected['read'])} read, "
        f"{say_count(rejected['total'])} were rejected. {lengths} "
        f"{say_count(ingest['unknown_letters'])} of {say_count(ingest['letters'])} letters are "
        f"unknown ({'X' if results.unit == 'aa' else 'N'} and other ambiguity codes)."
    ]
    told += ingest.get("notes", [])
    tables = _given([tabulate_inputs(ingest), tabulate(results, ingest)])
    return Section("data", "Data", told, tables, list(draw_data(results)))


def _tell_lengths(lengths: Mapping[str, Any], unit: str) -> str:
    if lengths["min"] == lengths["max"]:
        return f"All are {say_count(lengths['min'])} {unit} long."
    return f"They are {say_count(lengths['min'])} to {say_count(lengths['max'])} {unit} long."


def _tell_split(run: Run, results: RunResults) -> Section:
    title = "Split and leakage"
    method = f"Method {run.split.method}"
    method += f", {run.split.folds} folds." if run.split.folds > 1 else ", one fold."
    if results.audit is None:
        return Section("split", title, [method, "The audit is not recorded."], [], [])
    tables = [
        tabulate_roles(results, results.audit),
        tabulate_leaks(results.audit),
        tabulate_pairs(results, results.audit),
    ]
    told = [f"{method} {tell_leaks(results.audit)}", *tell_audit(results.audit)]
    return Section("split", title, told, _given(tables), [])


def _tell_training(results: RunResults) -> Section:
    told = list(tell_device(results)) or ["The training is not recorded."]
    tables = _given([tabulate_training(results)])
    return Section("training", "Training", told, tables, list(draw_learning(results)))


def _tell_errors(results: RunResults) -> list[Section]:
    picture = draw_error_rates(results)
    table = tabulate_errors(results)
    told = [] if picture or table else ["No mistakes are recorded."]
    title = "Where the model errs"
    return [Section("errors", title, told, _given([table]), _given([picture]))]


def _tell_provenance(results: RunResults) -> Section:
    tables = [tabulate_provenance(results)]
    if results.ingest is not None:
        tables.append(tabulate_hashes(results.ingest))
    return Section("provenance", "Provenance", [], tables, [])


@dataclass(frozen=True)
class _Telling:
    """How a kind of targets is told of, where kinds differ."""

    results: Callable[[RunResults], Section]
    data: Callable[[RunResults], Section]
    errors: Callable[[RunResults], list[Section]]


_OF_RECORDS = _Telling(_tell_results, _tell_data, _tell_errors)
_OF_CELLS = _Telling(cell_sections.tell_results, cell_sections.tell_data, cell_sections.tell_errors)
_TELLING = {
    "residues": _Telling(
        residue_sections.tell_results,
        partial(_tell_data, tabulate=tabulate_residues),
        residue_sections.tell_errors,
    ),
}
"""By the kind of a run's targets, where it is neither `_OF_RECORDS` nor `_OF_CELLS`."""


def _definitions(runs: Sequence[RunResults]) -> dict[str, str]:
    found: dict[str, dict[str, None]] = {}
    for run in runs:
        for metric in run.metrics["metrics"]:
            item = run.metrics["definitions"][metric]
            found.setdefault(item["label"], {})[item["meaning"]] = None
    return {label: "; or: ".join(meanings) for label, meanings in found.items()}


def _save_pictures(folder: Path, run: str, pictures: Sequence[Picture]) -> None:
    for picture in pictures:
        svg = f'<?xml version="1.0" encoding="UTF-8"?>\n{picture.svg}'
        write_text(folder / "figures" / run / f"{picture.key}.svg", svg)
        text = picture.numbers.to_csv(
            sep="\t", index=False, float_format="%.6g", lineterminator="\n"
        )
        write_text(folder / "tables" / run / f"{picture.key}.tsv", text)


def _given(items: Iterable[T | None]) -> list[T]:
    return [item for item in items if item]
