"""What the filters of the first convolution look for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bioseq_dl.data.one_hot import one_hot
from bioseq_dl.interpret.motif import (
    LEAST_BITS,
    Motif,
    count_background,
    count_letters,
    find_core,
    measure_information,
)
from bioseq_dl.models.blocks import ConvBlock, activate
from bioseq_dl.models.sequence import SequenceModel

_FEWEST_SITES = 10
"""With fewer sites a matrix says little."""
_BATCH = 64


@dataclass(frozen=True)
class FilterMotifs:
    """Matrices of the first layer's filters."""

    motifs: tuple[Motif, ...]
    """In the filters' order; ``filter_<number>`` from 0."""
    silent: tuple[int, ...]
    """Filters that never activate, or always alike."""
    vague: tuple[int, ...]
    """Filters with fewer than ten sites, or whose sites have little in common."""


@torch.inference_mode()
def find_filter_motifs(
    model: SequenceModel, codes: NDArray[np.uint8], unknown: str = "zeros"
) -> FilterMotifs:
    """Turn each filter of the first convolution into a position weight matrix.

    Every sequence gives at most one site, the one that activates the filter most (DeepBind,
    Alipanahi et al. 2015, Nat Biotechnol 33:831), if that is more than half of the filter's
    maximum over all sequences (Basset, Kelley et al. 2016, Genome Res 26:990). The activation
    is that after normalisation and the activation function, so a filter that batch
    normalisation turns round (a negative weight) is counted where it is active, and what a
    rectifier cuts off is no activation. The plus strand alone is scanned.

    Parameters
    ----------
    model : SequenceModel
        In evaluation mode, on any device.
    codes : uint8 (n, length)
        A C G T = 0 1 2 3, unknown 4.
    unknown : str
        How unknown letters are encoded, as in the checkpoint.

    Returns
    -------
    FilterMotifs
        Flanks of less than a quarter of a bit are trimmed.
    """
    if not len(model.convolutions) or not len(codes):
        return FilterMotifs((), (), ())
    best, places, lowest = _scan(model, codes, unknown)
    layer = model.model.conv[0]
    left = (layer.kernel - 1) * layer.dilation // 2 if layer.padding == "same" else 0
    around = (layer.kernel - 1) * layer.dilation
    missing = max(0, model.shortest - codes.shape[1])
    padded = np.pad(codes, ((0, 0), (left, around + missing)), constant_values=4)
    background = count_background(codes)
    columns = np.arange(layer.kernel) * layer.dilation
    motifs, silent, vague = [], [], []
    for number in range(best.shape[1]):
        highest = best[:, number].max()
        if highest <= 0 or highest <= lowest[number]:
            silent.append(number)
            continue
        rows = np.flatnonzero(best[:, number] > highest / 2)
        sites = padded[rows[:, None], places[rows, number][:, None] + columns]
        pwm = count_letters(sites, background)
        start, end = find_core(measure_information(pwm, len(rows)), LEAST_BITS)
        motif = Motif(f"filter_{number}", "filter", pwm[start:end], len(rows))
        if len(rows) < _FEWEST_SITES or motif.is_vague:
            vague.append(number)
        else:
            motifs.append(motif)
    return FilterMotifs(tuple(motifs), tuple(silent), tuple(vague))


def _scan(
    model: SequenceModel, codes: NDArray[np.uint8], unknown: str
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.float32]]:
    """Give each sequence's highest activation of each filter and where; the lowest of all.

    A place is where the filter's first column stands, in the sequence with its left padding.
    """
    device = next(model.parameters()).device
    best, places = [], []
    lowest: Tensor | None = None
    for start in range(0, len(codes), _BATCH):
        batch = torch.from_numpy(codes[start : start + _BATCH]).to(device)
        values = _activate_first(model, one_hot(batch, unknown))
        highest, where = values.max(dim=2)
        least = values.amin(dim=(0, 2))
        lowest = least if lowest is None else torch.minimum(lowest, least)
        best.append(highest.cpu())
        places.append(where.cpu())
    assert lowest is not None
    return torch.cat(best).numpy(), torch.cat(places).numpy(), lowest.cpu().numpy()


def _activate_first(model: SequenceModel, columns: Tensor) -> Tensor:
    """Give the first convolution's activations, (n, filters, places)."""
    block = model.convolutions[0]
    assert isinstance(block, ConvBlock)
    if columns.shape[2] < model.shortest:
        columns = functional.pad(columns, (0, model.shortest - columns.shape[2]))
    columns = functional.pad(columns.unsqueeze(2), (0, block.lacking))
    values = block.normalisations[0](block.convolutions[0](columns), None)
    return activate(values, block.activation).squeeze(2)
