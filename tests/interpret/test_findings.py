import io
import json

import numpy as np
import pandas as pd
import pytest
from planted_sites import plant

from bioseq_dl.config import Motifs
from bioseq_dl.interpret.database import KnownMotif, MotifDatabase
from bioseq_dl.interpret.findings import find_motifs, open_database, write_findings
from bioseq_dl.interpret.motif import reverse_complement

pytest.importorskip("memelite")


@pytest.fixture(scope="module")
def database():
    random = np.random.default_rng(0)
    known = [KnownMotif(f"K{i}", f"F{i}", random.dirichlet([0.5] * 4, 9)) for i in range(60)]
    word = np.eye(4)[[0, 2, 0, 3, 0, 0, 2]] * 0.9 + 0.025
    known.append(KnownMotif("GATA", "Gata1", reverse_complement(word), "GATA-type"))
    return MotifDatabase("known", tuple(known))


@pytest.fixture(scope="module")
def findings(database):
    planted = plant("AGATAAG")
    return find_motifs(planted.codes, planted.hypothetical, Motifs(top=2), database)


def test_the_planted_word_is_matched_and_written(findings, tmp_path):
    write_findings(tmp_path, findings, 0.05)
    table = pd.read_csv(tmp_path / "motifs.tsv", sep="\t")
    assert list(table["rank"]) == [1, 2]
    first = table.iloc[0]
    assert (first["motif"], first["match"], first["match_name"]) == ("positive_1", "GATA", "Gata1")
    assert first["called"] == 1
    assert first["sites"] == 160
    data = json.loads((tmp_path / "motifs.json").read_text())
    assert data["motifs"][0]["matches"][0]["family"] == "GATA-type"
    assert np.array(data["motifs"][0]["pwm"]).shape == (7, 4)


def test_equal_findings_are_equal_bytes(findings, tmp_path):
    for name in ("one", "two"):
        write_findings(tmp_path / name, findings, 0.05)
    for file in ("motifs.tsv", "motifs.meme", "motifs.json"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_without_motifs_the_files_are_there_all_the_same(database, tmp_path):
    planted = plant("AGATAAG", share=0)
    nothing = find_motifs(planted.codes, planted.hypothetical, Motifs(), database)
    write_findings(tmp_path, nothing, 0.05)
    text = (tmp_path / "motifs.tsv").read_text()
    assert text.startswith("motif\tkind\tconsensus")
    assert pd.read_csv(io.StringIO(text), sep="\t").empty


def test_a_file_stands_before_the_release(tmp_path):
    path = tmp_path / "mine.jaspar"
    path.write_text(">X Y\nA [ 1 ]\nC [ 1 ]\nG [ 9 ]\nT [ 1 ]\n")
    assert open_database(Motifs(), path).name == "mine.jaspar"
