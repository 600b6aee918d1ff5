"""What is drawn by chance in training, beside dropout; in evaluation it does nothing.

Both draw from torch's global generator, as dropout does, which the loop seeds at every step.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Noise(nn.Module):
    """Spoil what a denoising autoencoder reads (Vincent et al. 2010, JMLR 11:3371).

    Parameters
    ----------
    mask : float
        Share of values set to 0; the others stay as they are.
    sd : float
        Standard deviation of Gaussian noise added to each value before.
    """

    def __init__(self, mask: float, sd: float) -> None:
        super().__init__()
        self.mask, self.sd = mask, sd

    def forward(self, values: Tensor) -> Tensor:
        """Give a tensor of the same shape."""
        if not self.training:
            return values
        if self.sd:
            values = values + self.sd * torch.randn_like(values)
        if self.mask:
            values = torch.where(torch.rand_like(values) < self.mask, 0.0, values)
        return values


class Draw(nn.Module):
    """Draw from normal distributions so that gradients pass (Kingma & Welling 2014, ICLR)."""

    def forward(self, mean: Tensor, log_variance: Tensor) -> Tensor:
        """Read float32 (n, size) twice; give a draw in training, the mean in evaluation."""
        if not self.training:
            return mean
        return mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Give the Kullback-Leibler divergence from the standard normal distribution; (n,).

    -1/2 sum(1 + log s^2 - m^2 - s^2) (Kingma & Welling 2014, appendix B), in nats.
    """
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum(1)
