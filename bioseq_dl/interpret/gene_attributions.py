"""What each gene of a cell contributes to an output of a network, whatever its kind."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from captum.attr import IntegratedGradients
from numpy.typing import NDArray
from torch import Tensor

from bioseq_dl.interpret.grad_cam import centre_outputs, class_activation, gene_scores
from bioseq_dl.models.cells import CellNetwork

_PASS = 16
"""Cells that are read together; on a path every point is one."""


def score_genes(
    model: CellNetwork,
    values: NDArray[np.float32],
    class_index: int | Sequence[int] | NDArray[np.int64],
    *,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Score the genes of each cell: by Grad-CAM of images, else by integrated gradients.

    Parameters as `class_activation`.

    Returns
    -------
    float32 (n, genes)
        Of Grad-CAM 0 and above, the map times what of the gene's value is above 0; of integrated
        gradients with their sign.
    """
    if model.model.needs_image:
        assert model.shape.pixels is not None
        maps = class_activation(model, values, class_index, device=device)
        return gene_scores(maps, model.shape.pixels, values)
    return integrate_genes(model, values, class_index, device=device)


def integrate_genes(
    model: CellNetwork,
    values: NDArray[np.float32],
    class_index: int | Sequence[int] | NDArray[np.int64],
    *,
    baseline: NDArray[np.float32] | None = None,
    steps: int = 32,
    device: torch.device | None = None,
) -> NDArray[np.float32]:
    """Attribute an output to the genes by integrated gradients, against one baseline.

    Sundararajan, Taly & Yan 2017, ICML: the gradient's mean on the straight path from the
    baseline to the cell (Gauss-Legendre points), times their difference. The sum over genes is
    the difference of the outputs, up to the error of the integral.

    Parameters
    ----------
    model : CellNetwork
        Trained. It is set to evaluation mode.
    values : float32 (n, genes)
        Cells as the network reads them.
    class_index : int, or int64 (n,)
        As `class_activation` takes it.
    baseline : float32 (genes,), optional
        What cells are compared with; default 0, which of scaled values is the mean of train.
    steps : int
        Points on the path.
    device : torch.device, optional
        Where the model runs; default the CPU.

    Returns
    -------
    float32 (n, genes)
        In units of the output.
    """
    device = device or torch.device("cpu")
    model.to(device).eval()

    def read(cells: Tensor) -> Tensor:
        return centre_outputs(model.classify(cells), model.shape.classes)

    method = IntegratedGradients(read)
    columns = np.broadcast_to(np.asarray(class_index, np.int64), len(values))
    compared = np.zeros(model.shape.genes, np.float32) if baseline is None else baseline
    against = torch.from_numpy(np.array(compared, np.float32)).to(device).unsqueeze(0)
    found = np.empty((len(values), model.shape.genes), np.float32)
    for start in range(0, len(values), _PASS):
        part = slice(start, start + _PASS)
        given = torch.from_numpy(np.array(values[part], np.float32)).to(device)
        places = torch.from_numpy(columns[part].copy()).to(device)
        # cuDNN's recurrent layers have no gradient in evaluation mode.
        with torch.backends.cudnn.flags(enabled=model.model.kind != "lstm"):
            contributions = method.attribute(
                given, against.expand_as(given), target=places, n_steps=steps
            )
        found[part] = contributions.detach().cpu().numpy()
    return found
