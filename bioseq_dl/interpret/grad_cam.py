"""Where in a cell's image a network looks: Grad-CAM, and back from pixels to genes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from bioseq_dl.models.cells import CellNetwork

_PASS = 64
"""Cells that are read together."""


def class_activation(
    model: CellNetwork,
    values: NDArray[np.float32],
    class_index: int | Sequence[int] | NDArray[np.int64],
    *,
    stage: int = -1,
    elementwise: bool | None = None,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Give the class activation map of each cell.

    Selvaraju et al. 2017, ICCV, "Grad-CAM: visual explanations from deep networks via
    gradient-based localization", equations 1 and 2: the ReLU of the sum over channels of
    activation times the channel's mean gradient; enlarged linearly to the image.

    Parameters
    ----------
    model : CellNetwork
        Of a kind that reads images; trained. It is set to evaluation mode.
    values : float32 (n, genes)
        Cells as the network reads them.
    class_index : int, or int64 (n,)
        Column of `CellNetwork.classify` that is explained, one for all cells or one each
        (`target * classes + class`). Of classes the logit minus the mean logit of the target's
        classes, since only their differences say something.
    stage : int
        Which of `CellNetwork.read_maps`; the last as in the paper. Earlier ones are finer.
    elementwise : bool, optional
        Multiply each activation with its own gradient instead of the channel's mean (HiResCAM,
        Draelos & Carin 2020, arXiv 2011.08891). Default: where ``grid`` is above 1. There the
        network weighs each place by itself, the mean over places mixes weights of either sign,
        and the paper's map may show the places that say nothing.
    device : torch.device, optional
        Where the model runs; default the CPU.

    Returns
    -------
    float32 (n, height, width)
        0 and above, in units of the output.

    Raises
    ------
    ValueError
        Where the network reads no images.
    """
    device = device or torch.device("cpu")
    model.to(device).eval()
    shape = model.shape
    assert shape.height is not None
    assert shape.width is not None
    own = model.model.grid > 1 if elementwise is None else elementwise
    columns = np.broadcast_to(np.asarray(class_index, np.int64), len(values))
    found = np.empty((len(values), shape.height, shape.width), np.float32)
    for start in range(0, len(values), _PASS):
        part = slice(start, start + _PASS)
        given = torch.from_numpy(np.array(values[part], np.float32)).to(device)
        maps = model.read_maps(given.requires_grad_())
        outputs = centre_outputs(model.classify_maps(maps[-1]), shape.classes)
        places = torch.from_numpy(columns[part].copy()).to(device)
        explained = outputs.gather(1, places.unsqueeze(1)).sum()
        (gradient,) = torch.autograd.grad(explained, maps[stage])
        if not own:
            gradient = gradient.mean((2, 3), keepdim=True)
        activation = functional.relu((gradient * maps[stage]).sum(1, keepdim=True))
        found[part] = _enlarge(activation.detach(), shape.height, shape.width).cpu().numpy()
    return found


def _enlarge(maps: Tensor, height: int, width: int) -> Tensor:
    """Interpolate linearly (n, 1, h, w) to (n, height, width)."""
    if maps.shape[2:] == (height, width):
        return maps[:, 0]
    return functional.interpolate(
        maps, (height, width), mode="bilinear", align_corners=False, antialias=False
    )[:, 0]


def centre_outputs(outputs: Tensor, classes: int) -> Tensor:
    """Take off the mean over the classes of each target; (n, targets * classes)."""
    if classes == 1:
        return outputs
    parted = outputs.reshape(len(outputs), -1, classes)
    return (parted - parted.mean(2, keepdim=True)).flatten(1)


def gene_scores(
    maps: NDArray[np.float32],
    pixels: Sequence[int],
    values: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Read maps at the place of each gene.

    Parameters
    ----------
    maps : float32 (n, height, width)
        As `class_activation` gives.
    pixels : sequence of int
        Of each gene its place, row * width + column (``CellShape.pixels``).
    values : float32 (n, genes), optional
        The cells: multiply by what is above 0, as a map is coarser than a gene and lights up
        those that stand beside the one that counts.

    Returns
    -------
    float32 (n, genes)
        Without `values` genes of one place have one number.
    """
    read: NDArray[np.float32] = maps.reshape(len(maps), -1)[:, np.asarray(pixels, np.int64)]
    return read if values is None else read * np.maximum(values, 0)
