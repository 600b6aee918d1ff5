"""Explaining windows: exact mutagenesis, ensembles, what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from random_networks import make_checkpoint

from bioseq_dl.config import Targets
from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.outputs import list_outputs
from bioseq_dl.interpret.windows import Contributions, correlate, explain_windows
from bioseq_dl.train.checkpoint import Checkpoint, restore_model

MODELS: dict[str, dict[str, Any]] = {
    "convolutions": {"conv": [{"channels": 6, "kernel": 5, "pool": 2}], "dense": [5]},
    "valid, flatten": {
        "conv": [{"channels": 4, "kernel": 4, "padding": "valid", "pool": 3}],
        "pooling": "flatten",
    },
    "both strands": {
        "conv": [{"channels": 4, "kernel": 5, "activation": "exp"}],
        "pooling": ["max", "attention"],
        "reverse_complement": True,
    },
    "recurrent": {"recurrent": {"kind": "gru", "hidden": 4}},
    "k-mers beside": {"conv": [{"channels": 4, "kernel": 5}], "wide": {"anywhere": 2}},
}


def draw(count: int = 2, length: int = 30, unknown: bool = True) -> np.ndarray:
    codes = np.random.default_rng(5).integers(0, 4, (count, length)).astype(np.uint8)
    if unknown:
        codes[0, 0] = codes[0, 7:9] = codes[1, -1] = 4
    return codes


def mutate_in_full(checkpoint: Checkpoint, codes: np.ndarray) -> np.ndarray:
    """Every substitution by the network's own whole pass: (n, length, 4, targets)."""
    model, length = restore_model(checkpoint), codes.shape[1]
    mutants = np.repeat(codes, 4 * length, axis=0).reshape(len(codes), length, 4, length)
    for place in range(length):
        for letter in range(4):
            mutants[:, place, letter, place] = letter
    with torch.no_grad():

        def read(windows: np.ndarray) -> np.ndarray:
            return np.asarray(model(one_hot(torch.from_numpy(windows), checkpoint.unknown)).numpy())

        changed = read(mutants.reshape(-1, length)).reshape(*mutants.shape[:3], -1)
        return np.asarray(changed - read(codes)[:, None, None])


@pytest.mark.parametrize("unknown", ["zeros", "uniform"])
@pytest.mark.parametrize("name", MODELS)
def test_mutagenesis_is_exact(name: str, unknown: str) -> None:
    checkpoint = make_checkpoint(MODELS[name], names=["a", "b"], unknown=unknown)
    codes = draw()
    found = explain_windows([checkpoint], codes, "mutagenesis")
    expected = mutate_in_full(checkpoint, codes)
    assert np.abs(expected).max() > 0.01
    assert found.changes is not None
    np.testing.assert_allclose(found.changes, expected, atol=1e-5)
    for row, place in ((0, 4), (1, 0), (1, 28)):
        letter = codes[row, place]
        others = [expected[row, place, code] for code in range(4) if code != letter]
        np.testing.assert_allclose(found.present[row, place], -np.mean(others, 0), atol=1e-5)
        np.testing.assert_allclose(
            found.hypothetical[row, place, letter], found.present[row, place], atol=1e-6
        )
    assert not found.present[codes == 4].any()
    assert not found.hypothetical[codes == 4].any()
    assert found.changes[0, 7].any()  # an unknown letter has effects, only no contribution


def test_a_window_of_unknown_letters() -> None:
    codes = np.full((1, 30), 4, np.uint8)
    for method in ("mutagenesis", "integrated_gradients", "deeplift"):
        found = explain_windows([make_checkpoint()], codes, method, references=2, steps=2)
        assert not found.present.any()
        assert np.isfinite(found.reached).all()


def test_classes_are_explained_against_their_mean() -> None:
    spec: dict[str, Any] = {"kind": "multiclass", "names": ["cell"], "classes": ["T", "B", "NK"]}
    checkpoint, codes = make_checkpoint(**spec), draw()
    for method in ("mutagenesis", "integrated_gradients", "deeplift"):
        found = explain_windows([checkpoint], codes, method, references=2, steps=5)
        assert [output.name for output in found.outputs] == ["cell:T", "cell:B", "cell:NK"]
        np.testing.assert_allclose(found.present.sum(-1), 0, atol=1e-5)
        np.testing.assert_allclose(found.reached.sum(-1), 0, atol=1e-5)
        only = list_outputs(checkpoint.targets, ["cell:B"])
        one = explain_windows([checkpoint], codes, method, outputs=only, references=2, steps=5)
        np.testing.assert_allclose(one.present[..., 0], found.present[..., 1], atol=1e-6)


def test_an_ensemble_is_the_mean_of_its_models() -> None:
    models, codes = [make_checkpoint(seed=seed) for seed in range(3)], draw()
    for method in ("mutagenesis", "deeplift"):
        single = [explain_windows([model], codes, method, references=2) for model in models]
        found = explain_windows(models, codes, method, references=2)
        for name in ("present", "hypothetical", "reached"):
            each = np.stack([getattr(one, name) for one in single])
            np.testing.assert_allclose(getattr(found, name), each.mean(0), atol=1e-6)
        each = np.stack([one.present for one in single])
        np.testing.assert_allclose(found.sd, each.std(0, ddof=1), atol=1e-6)
        assert single[0].sd is None
        assert single[0].agreement == (None,)
        pairs = [np.corrcoef(each[a].ravel(), each[b].ravel())[0, 1] for a, b in
                 ((0, 1), (0, 2), (1, 2))]  # fmt: skip
        assert found.agreement[0] == pytest.approx(np.mean(pairs), abs=1e-5)


def test_the_same_again_and_whatever_else_is_explained() -> None:
    codes = draw()

    def explain(windows: np.ndarray, seed: int = 0) -> Contributions:
        return explain_windows([make_checkpoint()], windows, "deeplift", references=3, seed=seed)

    first, again, alone = explain(codes), explain(codes), explain(codes[1:])
    np.testing.assert_array_equal(first.hypothetical, again.hypothetical)
    np.testing.assert_array_equal(first.hypothetical[1:], alone.hypothetical)
    assert np.abs(explain(codes, 1).present - first.present).max() > 1e-4


def test_how_far_sums_are_off_is_told() -> None:
    codes = draw()
    lifted = explain_windows([make_checkpoint()], codes, "deeplift", references=3)
    assert lifted.sum_error is not None
    assert lifted.sum_error < 1e-4
    coarse, fine = (
        explain_windows(
            [make_checkpoint()], codes, "integrated_gradients", references=3, steps=steps
        ).sum_error
        for steps in (2, 60)
    )
    assert coarse is not None
    assert fine is not None
    assert fine < 0.5 * coarse
    assert explain_windows([make_checkpoint()], codes, "mutagenesis").sum_error is None


def test_correlation() -> None:
    draws = np.random.default_rng(0).normal(size=(2, 5, 4))
    expected = np.corrcoef(draws[0].ravel(), draws[1].ravel())[0, 1]
    assert correlate(draws[0], draws[1]) == pytest.approx(expected)
    assert correlate(draws[0], np.zeros((5, 4))) is None


def refusal(models: list[Checkpoint], method: str = "mutagenesis", length: int = 30) -> str:
    with pytest.raises(InputError) as caught:
        explain_windows(models, draw(1, length, unknown=False), method)
    return str(caught.value)


def test_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = make_checkpoint()
    assert refusal([]) == "no model to explain"
    assert refusal([plain], "saliency") == (
        "unknown method; found 'saliency'; allowed: mutagenesis, integrated_gradients, deeplift"
    )
    assert refusal([plain, make_checkpoint(names=["open"])]) == (
        "the models predict different targets; found 'open'; allowed: label"
    )
    assert refusal([plain, make_checkpoint(length=40)]) == (
        "the models were trained on sequences of different lengths; "
        "found '40 bases'; allowed: 30 bases"
    )
    flat = make_checkpoint(MODELS["valid, flatten"])
    for method in ("mutagenesis", "integrated_gradients", "deeplift"):
        assert refusal([flat], method, 28) == (
            "this network was made for windows of one length; found '28 bases'; allowed: 30 bases"
        )
    assert refusal([make_checkpoint(MODELS["recurrent"])], "deeplift").startswith(
        "deeplift has no rule for recurrent layers; found 'recurrent: gru'"
    )
    other = type(plain)(**{**vars(plain), "task": "other"})
    tasks = {"other": type("Task", (), {"perturb": None})()}
    monkeypatch.setattr("bioseq_dl.tasks.registry.TASKS", tasks)
    assert refusal([other]) == (
        "models of this task cannot be explained: it cannot score changed sequences; found 'other'"
    )


def test_which_outputs() -> None:
    targets = Targets(names=("a", "b"))
    assert [output.name for output in list_outputs(targets, ["b"])] == ["b"]
    cells = Targets(kind="multiclass", names=("x", "y"), classes=("0", "1"))
    assert [o.name for o in list_outputs(cells, ["y"])] == ["y:0", "y:1"]
    assert [o.name for o in list_outputs(cells, ["y:1", "x:0"])] == ["x:0", "y:1"]
    with pytest.raises(InputError) as caught:
        list_outputs(targets, ["c"])
    assert str(caught.value) == "no such target to explain; found 'c'; allowed: a, b"
    with pytest.raises(InputError) as caught:
        list_outputs(cells, ["z"])
    assert str(caught.value) == (
        "no such target to explain; found 'z'; allowed: x, y, x:0, x:1, y:0, y:1"
    )
