"""Sections of a run with labels for each residue, where they differ from those of other runs."""

from __future__ import annotations

from bioseq_dl.report.figures import draw_error_rates
from bioseq_dl.report.figures_of_residues import (
    draw_amino_acids,
    draw_examples,
    draw_lengths,
    draw_residue_performance,
    draw_spread,
)
from bioseq_dl.report.inputs import RunResults
from bioseq_dl.report.sections import Section
from bioseq_dl.report.tables import tabulate_calibration, tabulate_published
from bioseq_dl.report.tables_of_residues import (
    tabulate_heads,
    tabulate_states,
    tabulate_worst,
)
from bioseq_dl.report.words import tell_calibration


def tell_results(run: RunResults) -> Section:
    """Tell how well each head predicts."""
    told = [
        "Metrics are over all labelled residues of the test proteins; intervals come from "
        "resampling whole proteins, as the residues of one are not independent.",
        tell_calibration(run.metrics),
    ]
    tables = [
        tabulate_heads(run),
        *tabulate_states(run),
        tabulate_published(run),
        tabulate_calibration(run),
    ]
    pictures = list(draw_residue_performance(run))
    given = [table for table in tables if table]
    return Section("results", "Results", [text for text in told if text], given, pictures)


def tell_errors(run: RunResults) -> list[Section]:
    """Tell where the model errs, and draw three proteins."""
    rates = draw_error_rates(run, without=("length",))
    found = [draw_spread(run), draw_lengths(run), rates, draw_amino_acids(run)]
    pictures = [picture for picture in found if picture]
    worst = tabulate_worst(run)
    told = [] if pictures or worst else ["No mistakes are recorded."]
    title = "Where the model errs"
    sections = [Section("errors", title, told, [worst] if worst else [], pictures)]
    drawn = list(draw_examples(run))
    if drawn:
        text = (
            "Of the test proteins with at least 30 labelled residues, put in order of their "
            "score: those at nine tenths, a half and a tenth of the way up."
        )
        sections.append(Section("examples", "Three proteins", [text], [], drawn))
    return sections
