"""The networks whose effects are measured, as a user of any torch library writes them.

Weights come from the inputs, so that every entrant scores with the same ones.
"""

from pathlib import Path

import torch
from basset import build_basset
from torch import nn

LENGTHS = {"tiny": 200, "basset": 1000, "danq": 500}
"""Network: bases that it reads."""

SPREAD = 0.3
"""Standard deviation of the outputs on random sequences."""


class GlobalMax(nn.Module):
    def forward(self, columns):
        return columns.amax(2)


class Recurrent(nn.Module):
    """A bidirectional LSTM on (n, channels, positions); its outputs, end to end."""

    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.cell = nn.LSTM(channels, hidden, batch_first=True, bidirectional=True)

    def forward(self, columns):
        return self.cell(columns.transpose(1, 2))[0].flatten(1)


def build_tiny(_: int) -> nn.Sequential:
    """Give one logit from the best matches of 8 filters: the cost of all but the network."""
    return nn.Sequential(nn.Conv1d(4, 8, 11), nn.ReLU(), GlobalMax(), nn.Linear(8, 1))


def build_danq(length: int) -> nn.Sequential:
    """DanQ (Quang and Xie 2016, Nucleic Acids Res. 44:e107) with one output."""
    positions = (length - 25) // 13
    return nn.Sequential(
        nn.Conv1d(4, 320, 26),
        nn.ReLU(),
        nn.MaxPool1d(13),
        nn.Dropout(0.2),
        Recurrent(320, 320),
        nn.Dropout(0.5),
        nn.Linear(positions * 640, 925),
        nn.ReLU(),
        nn.Linear(925, 1),
    )


BUILDERS = {"tiny": build_tiny, "basset": build_basset, "danq": build_danq}


def build(name: str, length: int | None = None) -> nn.Sequential:
    """Build a network with random weights: one-hot float (n, 4, length) to logits (n, 1)."""
    return BUILDERS[name](length or LENGTHS[name])


def weights_path(inputs: Path, name: str) -> Path:
    return inputs / "variants" / f"{name}.plain.pt"


def load(inputs: Path, name: str) -> nn.Sequential:
    """Build a network with the weights that all entrants use, ready to predict."""
    model = build(name)
    model.load_state_dict(torch.load(weights_path(inputs, name), weights_only=True))
    return model.eval()


def settle(model: nn.Module, columns: torch.Tensor) -> nn.Module:
    """Give batch normalisation the statistics of real activations, and a head that varies.

    With the ones of initialisation most filters would be silent or all on, and effects
    close to nothing. The last layer is scaled so that the outputs of all networks spread
    alike, by what Basset's do unscaled: rounding errors of 1e-5 mean the same for each.
    """
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = None
    model.train()
    drops = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    for drop in drops:
        drop.eval()
    with torch.no_grad():
        model(columns)
        model.eval()
        spread = model(columns).std() / SPREAD
        model[-1].weight.div_(spread)
        model[-1].bias.div_(spread)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.momentum = 0.1
    return model
