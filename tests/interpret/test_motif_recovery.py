"""From weights set by hand to the factor's name, through mutagenesis and JASPAR."""

import numpy as np
import pytest
import torch
from planted_sites import encode, plant

from bioseq_dl.config import ConvLayer, Model, Motifs
from bioseq_dl.interpret.findings import find_motifs, open_database
from bioseq_dl.interpret.mutagenesis import contrast_letters, score_mutations
from bioseq_dl.interpret.outputs import Output
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.perturb.engine import prepare

pytest.importorskip("memelite")
pytest.importorskip("pyjaspar")


def _read_word(word, length, weight):
    """A network that gives `weight` for each letter above all but four of a word's, at best."""
    layer = ConvLayer(channels=2, kernel=len(word), activation="relu", padding="valid")
    config = Model(conv=(layer,), normalisation="none", pooling=("max",), dense=())
    model = build_model(config, Shape(letters=4, length=length, targets=1, classes=1)).eval()
    convolution = model.convolutions[0].convolutions[0]
    one = np.eye(4, dtype=np.float32)[encode(word)]
    with torch.no_grad():
        convolution.weight[0, :, 0] = torch.from_numpy(one.T.copy())
        convolution.weight[1, :, 0] = torch.from_numpy(one[::-1, ::-1].T.copy())
        convolution.bias.fill_(4.0 - len(word))
        model.head.weight.fill_(weight)
        model.head.bias.zero_()
    return model


def _kin(matches):
    families = {family for match in matches for family in match.known.family.split("; ")}
    return families | {match.known.name for match in matches}


@pytest.fixture(scope="module")
def jaspar():
    return open_database(Motifs(), None)


@pytest.mark.parametrize(
    ("word", "kin"),
    [
        ("CAAGATGGCGGC", {"Yy1", "YY2", "ZFP42"}),
        ("ACCGGAAGT", {"Ets-related"}),
        ("ATGACTCAT", {"Fos-related", "Jun-related"}),
    ],
)
@pytest.mark.parametrize("weight", [1.0, -1.0])
def test_a_factor_is_named_by_what_its_word_does(word, kin, weight, jaspar):
    torch.set_num_threads(1)
    codes = plant(word, count=60, length=50, share=0.9).codes
    model = _read_word(word, 50, weight)
    engine = prepare(model, torch.device("cpu"))
    changes, _ = score_mutations(engine, codes, (Output("label", 0),))
    contributions = contrast_letters(changes, codes)[..., 0]
    findings = find_motifs(codes, contributions, Motifs(), jaspar, model)
    motif, matches = findings.motifs[0], findings.matches[0]
    assert motif.name == ("positive_1" if weight > 0 else "negative_1")
    assert motif.sites >= 50
    assert matches[0].q < 0.01
    assert _kin(matches) & kin
    # Both filters, one for each strand, name it too.
    filters = [
        found
        for found, one in zip(findings.matches, findings.motifs, strict=True)
        if one.kind == "filter"
    ]
    assert len(filters) == 2
    for found in filters:
        assert _kin(found) & kin
