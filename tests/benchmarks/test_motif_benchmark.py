import importlib.util
from pathlib import Path

import numpy as np
import pytest

from bioseq_dl.interpret.database import KnownMotif
from bioseq_dl.interpret.findings import MotifFindings
from bioseq_dl.interpret.matches import Match
from bioseq_dl.interpret.motif import Motif


@pytest.fixture(scope="module")
def bench():
    path = Path(__file__).parents[2] / "benchmarks/motifs/run.py"
    spec = importlib.util.spec_from_file_location("motif_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _match(name, family, q):
    return Match(KnownMotif("MA1", name, np.eye(4), family), q / 10, q, 0, 4, "+")


def _findings(*motifs):
    ours = tuple(Motif(name, kind, np.eye(4), 20) for name, kind, _ in motifs)
    return MotifFindings(ours, tuple(matches for *_, matches in motifs), 0, 0, "db", ())


def test_families_are_told_by_name_or_by_family(bench):
    def known(name, family=""):
        return KnownMotif("MA1", name, np.eye(4), family)

    assert bench.belongs(known("Yy1", "More than 3 adjacent zinc fingers"), "YY1")
    assert not bench.belongs(known("CTCF", "More than 3 adjacent zinc fingers"), "YY1")
    assert bench.belongs(known("HOXB2::ELK1", "HOX-related; Ets-related"), "ETS")
    assert bench.belongs(known("FOS::JUN", "Fos-related; Jun-related"), "AP-1")
    assert not bench.belongs(known("CREB1", "CREB-related factors"), "AP-1")


def test_the_first_motif_with_a_called_match_counts(bench):
    ets = "Ets-related"
    found = bench.judge(
        _findings(
            ("positive_1", "seqlets", (_match("CTCF", "zinc", 1e-9), _match("ELK4", ets, 0.2))),
            ("positive_2", "seqlets", (_match("X", "x", 1e-9), _match("ELK1", ets, 1e-3))),
            ("negative_1", "seqlets", (_match("ELK4", ets, 1e-9),)),
            ("filter_3", "filter", (_match("ELK4", ets, 1e-9),)),
            ("filter_4", "filter", (_match("ELK4", ets, 0.5),)),
        ),
        "ETS",
    )
    assert (found["found"], found["rank"], found["match_name"]) == (1, 2, "ELK1")
    assert found["motifs"] == 2
    assert (found["filters_like"], found["filters_matched"], found["filters"]) == (1, 1, 2)


def test_what_only_lowers_the_output_is_not_found(bench):
    found = bench.judge(
        _findings(("negative_1", "seqlets", (_match("ELK4", "Ets-related", 1e-9),))), "ETS"
    )
    assert (found["found"], found["rank"], found["motifs"]) == (0, "", 0)
