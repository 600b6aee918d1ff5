"""Basset (Kelley et al. 2016, Genome Res. 26:990) as a user of any torch library writes it.

Three convolutions of 300, 200 and 200 filters (widths 19, 11, 7) with batch normalisation
and pooling by 3, 4, 4, two dense layers of 1,000 with dropout 0.3, one output here. The
same sizes as the preset ``basset`` of bioseq_dl; the harness compares the parameters.
"""

from torch import nn

CONVOLUTIONS = ((4, 300, 19, 3), (300, 200, 11, 4), (200, 200, 7, 4))


def pooled_length(length: int) -> int:
    for _, _, width, pool in CONVOLUTIONS:
        length = (length - width + 1) // pool
    return length


def build_trunk(length: int) -> nn.Sequential:
    """One-hot float (n, 4, length) to (n, 1000)."""
    layers: list[nn.Module] = []
    for inputs, filters, width, pool in CONVOLUTIONS:
        layers += [
            nn.Conv1d(inputs, filters, width),
            nn.BatchNorm1d(filters),
            nn.ReLU(),
            nn.MaxPool1d(pool),
        ]
    layers.append(nn.Flatten())
    for inputs in (CONVOLUTIONS[-1][1] * pooled_length(length), 1000):
        layers += [nn.Linear(inputs, 1000), nn.BatchNorm1d(1000), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers)


def build_basset(length: int) -> nn.Sequential:
    """One-hot float (n, 4, length) to logits (n, 1)."""
    return nn.Sequential(*build_trunk(length), nn.Linear(1000, 1))


def count_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())
