from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bioseq_dl.config import Model, Targets
from bioseq_dl.data.one_hot import one_hot, reverse_complement_one_hot
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.errors import InputError
from bioseq_dl.models.heads import build_loss
from bioseq_dl.models.sequence import SequenceModel, build_model
from bioseq_dl.models.shape import Shape

RECURRENT = {"kind": "gru", "hidden": 5, "layers": 2}
VARIANTS: dict[str, dict[str, Any]] = {
    "same": {"conv": [{"channels": 6, "kernel": 5, "pool": 3}, {"channels": 8, "kernel": 4}]},
    "valid": {
        "conv": [
            {"channels": 6, "kernel": 5, "pool": 3, "padding": "valid"},
            {"channels": 8, "kernel": 3, "pool": 2, "padding": "valid"},
        ]
    },
    "residual": {
        "conv": [
            {"channels": 6, "kernel": 7, "activation": "exp", "pool": 2, "pool_stride": 3},
            {"channels": 8, "kernel": 3, "residual": True, "repeat": 2, "dilation": 2},
            {"channels": 8, "kernel": 3, "residual": True, "pool": 3, "pool_stride": 1},
        ],
        "activation": "gelu",
    },
    "layer": {
        "conv": [{"channels": 6, "kernel": 3, "pool": 2}],
        "normalisation": "layer",
        "activation": "silu",
        "dense": [7],
    },
    "lstm": {"recurrent": {"hidden": 6}, "normalisation": "none"},
    "cnn_gru": {"conv": [{"channels": 6, "kernel": 4, "pool": 2}], "recurrent": RECURRENT},
}


def _build(variant: str, length: int | None = None, **extra: Any) -> SequenceModel:
    torch.manual_seed(0)
    fields = {"pooling": ["max", "mean", "attention"], "dense": [9]} | VARIANTS[variant] | extra
    model = build_model(Model.model_validate(fields), Shape(4, length, 2, 1))
    with torch.no_grad():  # running statistics as after some training
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return model


def _batch(sizes: list[int], width: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(0, 5, (len(sizes), width), dtype=torch.uint8, generator=generator)
    lengths = torch.tensor(sizes)
    codes[torch.arange(width) >= lengths[:, None]] = 4
    return codes, lengths


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("both_strands", [False, True])
@pytest.mark.parametrize("unknown", ["zeros", "uniform"])
def test_padding_does_not_change_an_answer(variant: str, both_strands: bool, unknown: str) -> None:
    model = _build(variant, reverse_complement=both_strands).eval()
    sizes = [17, 40, 5, 1, 23]
    codes, lengths = _batch(sizes, 40)
    together = model(one_hot(codes, unknown), lengths)
    for row, size in enumerate(sizes):
        alone = model(one_hot(codes[row : row + 1, :size], unknown))
        torch.testing.assert_close(together[row : row + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("variant", VARIANTS)
def test_padding_does_not_change_a_training_step(variant: str) -> None:
    codes, lengths = _batch([17, 40, 5, 9, 23], 40)
    wider = torch.full((5, 55), 4, dtype=torch.uint8)
    wider[:, :40] = codes
    results = []
    for batch in (codes, wider):
        model = _build(variant, reverse_complement=True).train()
        outputs = model(one_hot(batch, "uniform"), lengths)
        outputs.square().sum().backward()
        grads = {n: p.grad for n, p in model.named_parameters() if p.grad is not None}
        results.append((outputs.detach(), grads, dict(model.named_buffers())))
    for one, two in zip(*results, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_batch_statistics_of_a_padded_batch_are_those_of_its_bases() -> None:
    model = _build("same").train()
    codes, lengths = _batch([11, 30, 4], 30)
    seen: list[Tensor] = []
    block = model.convolutions[0]
    block.normalisations[0].norm.register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    model(one_hot(codes), lengths)
    columns = block.convolutions[0](one_hot(codes).unsqueeze(2))
    rows = [columns[row, :, 0, :size].T for row, size in enumerate([11, 30, 4])]
    torch.testing.assert_close(seen[0].flatten(1), torch.cat(rows))


@pytest.mark.parametrize("variant", [*VARIANTS])
@pytest.mark.parametrize("padded", [False, True])
def test_both_strands_have_exactly_one_answer(variant: str, padded: bool) -> None:
    model = _build(variant, reverse_complement=True).eval()
    codes, lengths = _batch([17, 40, 5, 40, 23, 8], 40)
    given = lengths if padded else None
    columns = one_hot(codes)
    other = reverse_complement_one_hot(columns, given)
    assert not torch.equal(columns, other)
    torch.testing.assert_close(model(columns, given), model(other, given), rtol=0, atol=0)
    single = _build(variant).eval()
    wanted = (single(columns, given) + single(other, given)) / 2
    torch.testing.assert_close(model(columns, given), wanted, rtol=1e-4, atol=1e-5)


def test_strands_may_be_averaged_in_evaluation_only() -> None:
    both, late, one = (_build("layer", reverse_complement=rc) for rc in (True, "evaluation", False))
    columns = one_hot(_batch([30] * 4, 30)[0])
    assert torch.equal(late.train()(columns), one.train()(columns))
    assert torch.equal(late.eval()(columns), both.eval()(columns))
    assert not torch.equal(late(columns), one.eval()(columns))


@pytest.mark.parametrize("variant", VARIANTS)
def test_memory_layout_does_not_change_an_answer(variant: str) -> None:
    model = _build(variant).eval()
    plain = copy.deepcopy(model)
    for module in plain.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    columns = one_hot(_batch([30] * 4, 30)[0])
    rows_first = columns.transpose(1, 2).contiguous().transpose(1, 2)
    for network in (model, plain):
        for given in (columns, rows_first):
            torch.testing.assert_close(network(given), model(columns), rtol=1e-4, atol=1e-5)


def test_convolutions_are_built_in_the_fast_layout() -> None:
    model = _build("residual")
    block = model.convolutions[1]
    assert block.convolutions[0].weight.is_contiguous(memory_format=torch.channels_last)
    columns, _ = block(torch.rand(2, 6, 1, 20), None)
    assert columns.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("pooling", [["max"], ["mean", "attention"], ["flatten"]])
def test_every_parameter_learns(variant: str, pooling: list[str]) -> None:
    model = _build(variant, length=40, pooling=pooling).train()
    outputs = model(one_hot(_batch([40] * 8, 40)[0]))
    outputs.sin().sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A bias before batch normalisation, or before a softmax, changes nothing.
        if not name.endswith("bias"):
            assert (parameter.grad != 0).any(), name


def test_a_motif_is_found_where_weights_are_set_by_hand() -> None:
    layer = {"channels": 1, "kernel": 6, "padding": "valid"}
    model = build_model(
        Model.model_validate({"conv": [layer], "normalisation": "none", "pooling": "max"}),
        Shape(4, None, 1, 1),
    ).eval()
    motif = one_hot(torch.from_numpy(DNA.encode(b"TGACTC").copy())[None])
    with torch.no_grad():
        model.convolutions[0].convolutions[0].weight.copy_(motif.unsqueeze(2))
        model.convolutions[0].convolutions[0].bias.fill_(-4.0)
        model.head.weight.fill_(3.0)
        model.head.bias.fill_(0.5)

    def answer(sequence: str) -> float:
        codes = torch.from_numpy(DNA.encode(sequence.encode()).copy())[None]
        return float(model(one_hot(codes)).detach())

    # Six letters match: (6 - 4) * 3 + 0.5; one mismatch: (5 - 4) * 3 + 0.5; else relu cuts.
    assert answer("AAAATGACTCAAAA") == 6.5
    assert answer("TGACTC") == 6.5
    assert answer("AAAATGACTGAAAA") == 3.5
    assert answer("AAAATGNCTCAAAA") == 3.5
    assert answer("AAAAAAAAAAAA") == 0.5
    assert answer("GAGTCA") == 0.5  # the other strand
    assert answer("TGA") == 0.5  # shorter than the filter

    both = copy.deepcopy(model)
    both.model = model.model.model_copy(update={"reverse_complement": True})
    codes = torch.from_numpy(DNA.encode(b"AAGAGTCAAA").copy())[None]
    assert float(both(one_hot(codes)).detach()) == (6.5 + 0.5) / 2


def test_mean_and_flatten_see_every_position() -> None:
    layer = {"channels": 1, "kernel": 1, "pool": 2}
    for pooling, length in (("mean", None), ("flatten", 5)):
        model = build_model(
            Model.model_validate({"conv": [layer], "normalisation": "none", "pooling": pooling}),
            Shape(4, length, 1, 1),
        ).eval()
        with torch.no_grad():
            model.convolutions[0].convolutions[0].weight.copy_(
                torch.tensor([1.0, 2.0, 3.0, 4.0]).view(1, 4, 1, 1)
            )
            model.convolutions[0].convolutions[0].bias.zero_()
            model.head.bias.zero_()
            model.head.weight.copy_(
                torch.tensor([[100.0, 10.0, 1.0]]) if length else torch.tensor([[3.0]])
            )
        codes = torch.tensor([[0, 1, 3, 2, 2]], dtype=torch.uint8)  # pools AC, TG, and G alone
        wanted = 243.0 if length else 2 + 4 + 3
        assert float(model(one_hot(codes)).detach()) == wanted


def test_flattened_positions_may_be_reduced_first() -> None:
    fields = VARIANTS["same"] | {"pooling": ["max", "flatten"], "flatten_channels": 3}
    model = build_model(Model.model_validate(fields), Shape(4, 40, 1, 1))
    assert model.head.in_features == 8 + 14 * 3
    assert model(torch.rand(2, 4, 40)).shape == (2, 1)
    with pytest.raises(ValueError, match="flatten_channels needs pooling flatten"):
        Model.model_validate(VARIANTS["same"] | {"flatten_channels": 3})


def test_attention_heads_stand_side_by_side() -> None:
    fields = VARIANTS["same"] | {"pooling": "attention", "attention_heads": 3}
    model = build_model(Model.model_validate(fields), Shape(4, None, 1, 1)).eval()
    assert model.head.in_features == 3 * 8
    rows = torch.rand(2, 14, 8)
    assert model.pooling.score is not None
    weights = model.pooling.score(rows).softmax(1)
    wanted = torch.einsum("nph,npc->nhc", weights, rows).flatten(1)
    torch.testing.assert_close(model.pooling(rows, None), wanted)
    with pytest.raises(ValueError, match="attention_heads needs pooling attention"):
        Model.model_validate(VARIANTS["same"] | {"attention_heads": 3})


def test_outputs_have_a_value_for_each_target_and_class() -> None:
    model = Model(preset="cnn")
    columns = torch.rand(3, 4, 50)
    for shape, wanted in (
        (Shape(4, 50, 1, 1), (3, 1)),
        (Shape(4, None, 7, 1), (3, 7)),
        (Shape(4, None, 2, 5), (3, 2, 5)),
    ):
        built = build_model(model, shape).eval()
        assert built(columns).shape == wanted
        with torch.autocast("cpu", torch.bfloat16):
            assert built(columns).dtype == torch.float32


def test_sequences_too_short_for_the_layers_are_refused() -> None:
    message = r"key model.conv: .*too short.*found '167 bases'; allowed: 168 bases or more"
    with pytest.raises(InputError, match=message):
        build_model(Model(preset="basset"), Shape(4, 167, 1, 1))
    build_model(Model(preset="basset"), Shape(4, 168, 1, 1))


def test_flatten_needs_one_length() -> None:
    with pytest.raises(InputError, match=r"key model: pooling flatten needs"):
        build_model(Model(preset="basset"), Shape(4, None, 1, 1))
    model = build_model(Model(preset="basset"), Shape(4, 200, 1, 1)).eval()
    with pytest.raises(InputError, match=r"one length; found '201 bases'; allowed: 200 bases"):
        model(torch.zeros(1, 4, 201))


def test_one_example_can_be_trained_on() -> None:
    model = _build("same", pooling="max").train()
    model(one_hot(_batch([1], 1)[0])).sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in model.parameters())


def test_the_seed_decides_the_weights() -> None:
    one, two = _build("cnn_gru").state_dict(), _build("cnn_gru").state_dict()
    torch.manual_seed(1)
    fields = {"pooling": ["max", "mean", "attention"], "dense": [9]} | VARIANTS["cnn_gru"]
    other = build_model(Model.model_validate(fields), Shape(4, None, 2, 1)).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_model_is_built_again_from_its_arguments() -> None:
    model = _build("residual").eval()
    again = build_model(**model.arguments).eval()
    again.load_state_dict(model.state_dict())
    columns = one_hot(_batch([30] * 3, 30)[0])
    assert torch.equal(model(columns), again(columns))


def test_a_planted_motif_is_learned() -> None:
    torch.manual_seed(0)
    codes, _ = _batch([40] * 128, 40)
    labels = (torch.arange(128) % 2).float()[:, None]
    motif = torch.from_numpy(DNA.encode(b"TGACTCA").copy())
    codes[1::2, 12:19] = motif
    model = build_model(
        Model.model_validate({"conv": [{"channels": 8, "kernel": 7}]}), Shape(4, 40, 1, 1)
    ).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=0.03)
    loss = build_loss(Targets())
    for _ in range(60):
        optimizer.zero_grad()
        loss(model(one_hot(codes)), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    predicted = model.eval()(one_hot(codes)) > 0
    assert float((predicted == labels.bool()).float().mean()) > 0.97
