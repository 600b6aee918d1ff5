"""Sequences with motifs put in at known places, and contributions that know of them."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Planted:
    codes: np.ndarray
    hypothetical: np.ndarray
    here: np.ndarray


def encode(text):
    return np.array(["ACGT".index(letter) for letter in text], np.uint8)


def plant(text, count=200, length=60, share=0.8, sign=1.0, seed=0):
    """Put a word, on either strand, into a share of random sequences.

    Each letter of the word contributes 1 where it stands, and -1/3 each other one would;
    all else is noise.
    """
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (count, length)).astype(np.uint8)
    hypothetical = rng.normal(0, 0.05, (count, length, 4))
    hypothetical -= hypothetical.mean(axis=2, keepdims=True)
    word = encode(text)
    for row in range(int(share * count)):
        start = rng.integers(0, length - len(word) + 1)
        site = word if rng.random() < 0.5 else (3 - word)[::-1]
        codes[row, start : start + len(word)] = site
        ideal = np.where(np.eye(4)[site] > 0, 1.0, -1 / 3) * sign
        hypothetical[row, start : start + len(word)] += ideal
    here = np.take_along_axis(hypothetical, codes[..., None].astype(int), axis=2)[..., 0]
    return Planted(codes, hypothetical.astype(np.float32), here.astype(np.float32))
