"""Networks that read the difference from a wild type."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from bioseq_dl.config import Model, Targets, Wide
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.encode.alphabet import PROTEIN
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import shape_of
from bioseq_dl.models.wide import KmerTerms

WILD_TYPE = "MKLVAC"
SPEC = Targets(kind="regression", names=("score",))
FIELDS = {
    "conv": [{"channels": 4, "kernel": 3}],
    "normalisation": "none",
    "pooling": "flatten",
    "wide": {"positional": 1},
}


def columns(*sequences: str) -> torch.Tensor:
    codes = torch.from_numpy(np.stack([PROTEIN.encode(s.encode()) for s in sequences]))
    return one_hot(codes, letters=20)


def build(**changes: object) -> torch.nn.Module:
    torch.manual_seed(0)
    lengths = np.array([6, 6])
    shape = shape_of(SPEC, lengths, PROTEIN, wild_type=PROTEIN.encode(WILD_TYPE.encode()))
    return build_model(Model.model_validate(FIELDS | changes), shape).eval()


@pytest.mark.parametrize("scales", [(), ("blosum62", "properties")])
def test_the_wild_type_is_an_empty_matrix(scales: tuple[str, ...]) -> None:
    model = build(scales=scales)
    torch.nn.init.normal_(model.wide.positional)
    relative = model(columns(WILD_TYPE))
    with torch.no_grad():
        assert model.wide(columns(WILD_TYPE)).item() == 0
        # Where nothing differs, the letters' weights say nothing.
        for block in model.convolutions:
            for layer in block.modules():
                if isinstance(layer, torch.nn.Conv2d):
                    layer.weight.zero_()
    assert torch.equal(model(columns(WILD_TYPE)), relative)


def test_without_relative_letters_of_the_wild_type_count() -> None:
    model = build(relative=False)
    assert model.reference is None
    assert model.wide.native is None


def test_the_letters_of_mutations_alone_have_a_weight() -> None:
    terms = KmerTerms(Wide(positional=2), 6, 1, 20, [*PROTEIN.encode(WILD_TYPE.encode())])
    torch.nn.init.ones_(terms.positional)
    found = columns(WILD_TYPE, "AKLVAC", "MKAVAC", "MKXVAC")
    # A letter stands in one pair at the end, in two within; unknown ones in none.
    assert terms(found).flatten().tolist() == [0, 1, 2, 0]


def test_attributions_see_the_same_sum() -> None:
    wild_type = [*PROTEIN.encode(WILD_TYPE.encode())]
    terms = KmerTerms(Wide(positional=2), 6, 1, 20, wild_type)
    torch.nn.init.normal_(terms.positional[:-1])
    found = columns(WILD_TYPE, "AKLVAC", "MKAVAW")
    assert torch.allclose(terms(found), terms(found.clone().requires_grad_()), atol=1e-6)


def test_a_wild_type_of_another_length_is_left_out() -> None:
    wild_type = PROTEIN.encode(b"MKL")
    assert shape_of(SPEC, np.array([6, 6]), PROTEIN, wild_type=wild_type).wild_type is None
    assert shape_of(SPEC, np.array([6, 3]), PROTEIN, wild_type=wild_type).wild_type is None
    assert shape_of(SPEC, np.array([3, 3]), PROTEIN, wild_type=wild_type).wild_type is not None


def test_a_network_of_pooled_positions_reads_whole_letters() -> None:
    model = build(pooling="max", wide=None)
    assert model.reference is None
