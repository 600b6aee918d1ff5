from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError
from torch import nn

from bioseq_dl.config import Model, Wide
from bioseq_dl.data.one_hot import one_hot, reverse_complement_one_hot
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.errors import InputError
from bioseq_dl.models.sequence import build_model
from bioseq_dl.models.shape import Shape
from bioseq_dl.models.wide import KmerTerms


def _columns(*sequences: str, unknown: str = "zeros") -> torch.Tensor:
    codes = torch.tensor([DNA.encode(s.encode()).tolist() for s in sequences], dtype=torch.uint8)
    return one_hot(codes, unknown)


def _set(table: nn.Parameter | None, row: int, value: float) -> None:
    assert table is not None
    with torch.no_grad():
        table[row] = value


@pytest.mark.parametrize("unknown", ["zeros", "uniform"])
def test_k_mers_count_at_their_place(unknown: str) -> None:
    terms = KmerTerms(Wide(positional=2), 5, 1)
    _set(terms.positional, 1 * 16 + 0 * 4 + 1, 3.0)  # AC at the second place
    _set(terms.positional, 3 * 16 + 2 * 4 + 2, 0.5)  # GG at the fourth
    columns = _columns("TACGG", "ACAAA", "TACNG", "TANGG", unknown=unknown)
    assert terms(columns).flatten().tolist() == [3.5, 0.0, 3.0, 0.5]


def test_k_mers_count_anywhere_a_quarter_each() -> None:
    terms = KmerTerms(Wide(anywhere=3), None, 2)
    _set(terms.anywhere, 3 * 16 + 0 * 4 + 0, 1.0)  # TAA
    columns = _columns("TAATAA", "GGTAAG", "TANTTT", "NNNNNN")
    assert terms(columns).tolist() == [[0.5, 0.5], [0.25, 0.25], [0.0, 0.0], [0.0, 0.0]]
    assert KmerTerms(Wide(anywhere=3), None, 1)(_columns("AC")) == 0.0


def test_dropout_leaves_the_expectation() -> None:
    torch.manual_seed(0)
    terms = KmerTerms(Wide(positional=1, dropout=0.5), 40, 1).train()
    with torch.no_grad():
        terms.positional[:-1] = 1.0  # type: ignore[index]
    columns = _columns(*["ACGT" * 10] * 500)
    values = terms(columns)
    assert float(values.mean().detach()) == pytest.approx(40, abs=1)
    assert len(values.unique()) > 10
    assert terms.eval()(columns).unique().tolist() == [40.0]


def test_it_is_added_to_the_network_and_learns() -> None:
    torch.manual_seed(0)
    fields = {"conv": [{"channels": 4, "kernel": 3}]}
    wide = {"positional": 2, "anywhere": 3, "dropout": 0.2}
    shape = Shape(4, 12, 2, 1)
    model = build_model(Model.model_validate({**fields, "wide": wide}), shape)
    torch.manual_seed(0)
    plain = build_model(Model.model_validate(fields), shape)
    columns = _columns("ACGTNACGTTAC", "GGGTTTCCCAAA")
    assert torch.equal(model.eval()(columns), plain.eval()(columns))
    model.train()(columns).square().sum().backward()
    assert model.wide is not None
    for table in (model.wide.positional, model.wide.anywhere):
        assert table is not None
        assert table.grad is not None
        assert (table.grad != 0).any()
        assert (table.grad[-1] == 0).all()


def test_padding_and_strand_do_not_change_it() -> None:
    torch.manual_seed(0)
    fields = {"conv": [{"channels": 4, "kernel": 3}], "wide": {"anywhere": 3}}
    model = build_model(
        Model.model_validate({**fields, "reverse_complement": True}), Shape(4, None, 1, 1)
    ).eval()
    assert model.wide is not None
    with torch.no_grad():
        model.wide.anywhere.normal_()  # type: ignore[union-attr]
    alone = model(_columns("ACGTTG"))
    padded = _columns("ACGTTGNNNN", "ACGTTGACGT", unknown="uniform")
    lengths = torch.tensor([6, 10])
    torch.testing.assert_close(model(padded, lengths)[:1], alone)
    columns = _columns("ACGTTG", "GATTAC")
    assert torch.equal(model(columns), model(reverse_complement_one_hot(columns)))


def test_a_place_needs_one_length() -> None:
    model = Model.model_validate(
        {"conv": [{"channels": 4, "kernel": 3}], "wide": {"positional": 2}}
    )
    with pytest.raises(InputError, match=r"wide.positional needs sequences of one length"):
        build_model(model, Shape(4, None, 1, 1))
    with pytest.raises(InputError, match="found '7 bases'; allowed: 9 bases"):
        build_model(model, Shape(4, 9, 1, 1))(torch.zeros(1, 4, 7))
    with pytest.raises(ValidationError, match="wide needs positional, anywhere, or both"):
        Wide()


@pytest.mark.parametrize(
    "wide", [Wide(positional=3), Wide(anywhere=2), Wide(positional=1, anywhere=4)]
)
def test_sum_of_products_is_the_look_up(wide: Wide) -> None:
    torch.manual_seed(0)
    terms = KmerTerms(wide, 12, 2)
    for weights in terms.parameters():
        torch.nn.init.normal_(weights)
        weights.data[-1] = 0.0
    codes = torch.randint(0, 5, (6, 12), dtype=torch.uint8)
    columns = one_hot(codes)
    looked_up = terms(columns)
    multiplied = terms(columns.clone().requires_grad_())
    assert torch.allclose(looked_up, multiplied, atol=1e-5)
    assert multiplied.requires_grad


def test_gradient_of_the_product_is_the_weight() -> None:
    terms = KmerTerms(Wide(anywhere=1), None, 1)
    assert terms.anywhere is not None
    terms.anywhere.data[:4, 0] = torch.tensor([1.0, 2.0, 3.0, 4.0])
    columns = one_hot(torch.zeros(1, 5, dtype=torch.uint8)).requires_grad_()
    (gradient,) = torch.autograd.grad(terms(columns).sum(), columns)
    expected = 0.25 * torch.tensor([1.0, 2.0, 3.0, 4.0])[:, None].expand(4, 5)
    assert torch.allclose(gradient[0], expected)
