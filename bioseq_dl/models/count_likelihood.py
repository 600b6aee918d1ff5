"""Likelihoods of counts of genes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

_TINY = 1e-8
"""Added before a logarithm."""


def negative_binomial(counts: Tensor, mean: Tensor, log_dispersion: Tensor) -> Tensor:
    """Give the logarithm of the probability of counts under a negative binomial.

    log G(x + t) - log G(t) - log x! + t log(t / (t + m)) + x log(m / (t + m)), with mean m and
    inverse dispersion t: variance m + m^2 / t (Lopez et al. 2018, Nature Methods 15:1053;
    Eraslan et al. 2019, Nature Communications 10:390, equation 1).

    Parameters
    ----------
    counts : float tensor, shape (n, genes)
    mean : float tensor, shape (n, genes)
        Above 0.
    log_dispersion : float tensor, shape (genes,) or (n, genes)
        log t.

    Returns
    -------
    float tensor, shape (n, genes)
    """
    dispersion = torch.exp(log_dispersion)
    log_mean = torch.log(mean + _TINY)
    log_total = torch.logaddexp(log_dispersion, log_mean)
    return (
        torch.lgamma(counts + dispersion)
        - torch.lgamma(dispersion)
        - torch.lgamma(counts + 1)
        + dispersion * (log_dispersion - log_total)
        + counts * (log_mean - log_total)
    )


def zero_inflated(
    counts: Tensor, mean: Tensor, log_dispersion: Tensor, dropout_logits: Tensor
) -> Tensor:
    """Give the logarithm of the probability of counts, some of them 0 for another reason.

    p(x) = pi [x = 0] + (1 - pi) NB(x; m, t), pi the sigmoid of `dropout_logits` (Lopez et al.
    2018; Eraslan et al. 2019, equation 2). Parameters as `negative_binomial`; `dropout_logits`
    is (n, genes).
    """
    counted = functional.logsigmoid(-dropout_logits) + negative_binomial(
        counts, mean, log_dispersion
    )
    absent = torch.logaddexp(functional.logsigmoid(dropout_logits), counted)
    return torch.where(counts < 0.5, absent, counted)
