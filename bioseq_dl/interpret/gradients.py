"""Integrated gradients (through Captum) and DeepLIFT, against shuffled sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from captum.attr import IntegratedGradients
from torch import Tensor, nn

from bioseq_dl.data.one_hot import one_hot, reverse_complement_one_hot
from bioseq_dl.encode.alphabet import DNA, Codes
from bioseq_dl.interpret.chain import check_rules, read_pairs
from bioseq_dl.interpret.outputs import Output, read_outputs
from bioseq_dl.models.sequence import SequenceModel

_LETTERS = len(DNA.letters)
_PASSES = {"cpu": 64, "cuda": 1024}
"""Sequences in a pass; on a path every point is one."""


@dataclass(frozen=True, eq=False)
class Attributed:
    """What each letter would contribute at each place."""

    hypothetical: npt.NDArray[np.float32]
    """float32 (n, length, 4, outputs): the contribution of that letter, had it stood there and
    the gradient been the same; that of the letter present is the contribution. 0 at unknown
    letters."""
    outputs: npt.NDArray[np.float32]
    """float32 (n, outputs): of the sequences."""
    reference_outputs: npt.NDArray[np.float32]
    """float32 (n, outputs): mean over the shuffled sequences."""


class _Readout(nn.Module):
    """A network and the numbers to explain: one-hot (n, 4, length) to (n, outputs)."""

    def __init__(self, network: nn.Module, outputs: Sequence[Output]) -> None:
        super().__init__()
        self.network = network
        self.chosen = tuple(outputs)

    def forward(self, columns: Tensor) -> Tensor:
        outputs: Tensor = self.network(columns)
        return read_outputs(outputs, self.chosen)


def integrate_gradients(
    model: SequenceModel,
    codes: Codes,
    references: Codes,
    outputs: Sequence[Output],
    *,
    unknown: str = "zeros",
    steps: int = 50,
    device: torch.device | None = None,
) -> Attributed:
    """Attribute outputs by integrated gradients, the mean over references.

    Sundararajan, Taly & Yan 2017, ICML: the gradient's mean on the straight path from the
    reference to the sequence (Gauss-Legendre points), times their difference. Contributions
    sum to the difference of the outputs, up to the error of the integral.

    Parameters
    ----------
    model : SequenceModel
        Trained, in evaluation mode.
    codes : uint8 (n, length)
        Windows; A C G T = 0 1 2 3, unknown = 4.
    references : uint8 (n, references, length)
        What each is compared with; unknown where the window is.
    outputs : sequence of Output
        What is explained.
    unknown : str
        How unknown letters are one-hot: ``zeros`` or ``uniform``, as in training.
    steps : int
        Points on the path.
    device : torch.device, optional
        Where the model runs; default the CPU.
    """
    device = device or torch.device("cpu")
    readout = _Readout(model.to(device).eval(), outputs)
    method = IntegratedGradients(readout, multiply_by_inputs=False)
    rows = max(1, _PASSES.get(device.type, _PASSES["cpu"]) // steps)

    def multiply(columns: Tensor, compared: Tensor, place: int) -> Tensor:
        # cuDNN's recurrent layers have no gradient in evaluation mode.
        with torch.backends.cudnn.flags(enabled=model.model.recurrent is None):
            found: Tensor = method.attribute(columns, compared, target=place, n_steps=steps)
        return found

    return _attribute(readout, multiply, codes, references, unknown, rows, device)


def lift(
    model: SequenceModel,
    codes: Codes,
    references: Codes,
    outputs: Sequence[Output],
    *,
    unknown: str = "zeros",
    device: torch.device | None = None,
) -> Attributed:
    """Attribute outputs by DeepLIFT (rescale rule), the mean over references.

    Shrikumar, Greenside & Kundaje 2017, ICML. Contributions sum to the difference of the
    outputs of sequence and reference. Parameters as `integrate_gradients`.

    Raises
    ------
    InputError
        Where the network has a layer without a rule.
    """
    check_rules(model.model)
    device = device or torch.device("cpu")
    readout = _Readout(model.to(device).eval(), outputs)
    rows = _PASSES.get(device.type, _PASSES["cpu"]) // 2

    def multiply(columns: Tensor, compared: Tensor, place: int) -> Tensor:
        pairs = torch.cat([columns, compared])
        if model.model.reverse_complement:
            other = reverse_complement_one_hot(pairs)
            found = (read_pairs(model, pairs) + read_pairs(model, other)) / 2
        else:
            found = read_pairs(model, pairs)
        explained = read_outputs(found, readout.chosen)[: len(columns), place]
        (multipliers,) = torch.autograd.grad(explained.sum(), columns)
        return multipliers

    return _attribute(readout, multiply, codes, references, unknown, rows, device)


def _attribute(
    readout: _Readout,
    multiply: Callable[[Tensor, Tensor, int], Tensor],
    codes: Codes,
    references: Codes,
    unknown: str,
    rows: int,
    device: torch.device,
) -> Attributed:
    """Average a method's multipliers over the references, each minus what it starts from."""
    count, length = codes.shape
    places, depth = len(readout.chosen), references.shape[1]
    hypothetical = np.zeros((count, length, _LETTERS, places), np.float32)
    reached = np.empty((2, count, places), np.float32)
    for row in range(count):
        window = torch.from_numpy(np.array(codes[row : row + 1])).to(device)
        columns = one_hot(window, unknown).expand(depth, -1, -1)
        compared = one_hot(torch.from_numpy(np.array(references[row])).to(device), unknown)
        with torch.no_grad():
            reached[0, row] = readout(columns[:1]).float().cpu().numpy()[0]
            reached[1, row] = readout(compared).float().mean(0).cpu().numpy()
        for place in range(places):
            total = torch.zeros_like(columns[0])
            for start in range(0, depth, rows):
                part = slice(start, start + rows)
                against = compared[part]
                given = columns[part].clone().requires_grad_()
                multipliers = multiply(given, against, place).detach()
                begun = (multipliers * against).sum(1, keepdim=True)
                total += (multipliers - begun).sum(0)
            hypothetical[row, :, :, place] = (total / depth).T.cpu().numpy()
    hypothetical[codes >= _LETTERS] = 0
    return Attributed(hypothetical, reached[0], reached[1])
