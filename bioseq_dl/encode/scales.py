"""Numbers of amino acids that stand beside one-hot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import PROTEIN

# Columns in the order of the rows. Henikoff & Henikoff 1992, PNAS 89:10915; a test compares it
# with Biopython's. Here because networks are built where Biopython is not installed.
_BLOSUM62 = {
    "A": (4, 0, -2, -1, -2, 0, -2, -1, -1, -1, -1, -2, -1, -1, -1, 1, 0, 0, -3, -2),
    "C": (0, 9, -3, -4, -2, -3, -3, -1, -3, -1, -1, -3, -3, -3, -3, -1, -1, -1, -2, -2),
    "D": (-2, -3, 6, 2, -3, -1, -1, -3, -1, -4, -3, 1, -1, 0, -2, 0, -1, -3, -4, -3),
    "E": (-1, -4, 2, 5, -3, -2, 0, -3, 1, -3, -2, 0, -1, 2, 0, 0, -1, -2, -3, -2),
    "F": (-2, -2, -3, -3, 6, -3, -1, 0, -3, 0, 0, -3, -4, -3, -3, -2, -2, -1, 1, 3),
    "G": (0, -3, -1, -2, -3, 6, -2, -4, -2, -4, -3, 0, -2, -2, -2, 0, -2, -3, -2, -3),
    "H": (-2, -3, -1, 0, -1, -2, 8, -3, -1, -3, -2, 1, -2, 0, 0, -1, -2, -3, -2, 2),
    "I": (-1, -1, -3, -3, 0, -4, -3, 4, -3, 2, 1, -3, -3, -3, -3, -2, -1, 3, -3, -1),
    "K": (-1, -3, -1, 1, -3, -2, -1, -3, 5, -2, -1, 0, -1, 1, 2, 0, -1, -2, -3, -2),
    "L": (-1, -1, -4, -3, 0, -4, -3, 2, -2, 4, 2, -3, -3, -2, -2, -2, -1, 1, -2, -1),
    "M": (-1, -1, -3, -2, 0, -3, -2, 1, -1, 2, 5, -2, -2, 0, -1, -1, -1, 1, -1, -1),
    "N": (-2, -3, 1, 0, -3, 0, 1, -3, 0, -3, -2, 6, -2, 0, 0, 1, 0, -3, -4, -2),
    "P": (-1, -3, -1, -1, -4, -2, -2, -3, -1, -3, -2, -2, 7, -1, -2, -1, -1, -2, -4, -3),
    "Q": (-1, -3, 0, 2, -3, -2, 0, -3, 1, -2, 0, 0, -1, 5, 1, 0, -1, -2, -2, -1),
    "R": (-1, -3, -2, 0, -3, -2, 0, -3, 2, -2, -1, 0, -2, 1, 5, -1, -1, -3, -3, -2),
    "S": (1, -1, 0, 0, -2, 0, -1, -2, 0, -2, -1, 1, -1, 0, -1, 4, 1, -2, -3, -2),
    "T": (0, -1, -1, -1, -2, -2, -2, -1, -1, -1, -1, 0, -1, -1, -1, 1, 5, 0, -2, -2),
    "V": (0, -1, -3, -2, -1, -3, -3, 3, -2, 1, 1, -3, -2, -2, -3, -2, 0, 4, -3, -1),
    "W": (-3, -2, -4, -3, 1, -2, -2, -3, -3, -2, -1, -4, -4, -2, -3, -3, -2, -3, 11, 2),
    "Y": (-2, -2, -3, -2, 3, -3, 2, -1, -2, -1, -1, -2, -3, -1, -2, -2, -2, -1, 2, 7),
}
# Steric parameter, polarizability, volume, hydrophobicity, isoelectric point, helix and sheet
# probability: Meiler et al. 2001, J Mol Model 7:360, each scaled to at most 0.9 as by Faraggi
# et al. 2012, J Comput Chem 33:259 (SPINE X).
_PROPERTIES = {
    "A": (-0.350, -0.680, -0.677, -0.171, -0.170, 0.900, -0.476),
    "C": (-0.140, -0.329, -0.359, 0.508, -0.114, -0.652, 0.476),
    "D": (-0.213, -0.417, -0.281, -0.767, -0.900, -0.155, -0.635),
    "E": (-0.230, -0.241, -0.058, -0.696, -0.868, 0.900, -0.582),
    "F": (0.363, 0.373, 0.412, 0.646, -0.272, 0.155, 0.318),
    "G": (-0.900, -0.900, -0.900, -0.342, -0.179, -0.900, -0.900),
    "H": (0.384, 0.110, 0.138, -0.271, 0.195, -0.031, -0.106),
    "I": (0.900, -0.066, -0.009, 0.652, -0.186, 0.155, 0.688),
    "K": (-0.088, 0.066, 0.163, -0.889, 0.727, 0.279, -0.265),
    "L": (0.213, -0.066, -0.009, 0.596, -0.186, 0.714, -0.053),
    "M": (0.110, 0.066, 0.087, 0.337, -0.262, 0.652, -0.001),
    "N": (-0.213, -0.329, -0.243, -0.674, -0.075, -0.403, -0.529),
    "P": (0.247, -0.900, -0.294, 0.055, -0.010, -0.900, 0.106),
    "Q": (-0.230, -0.110, -0.020, -0.464, -0.276, 0.528, -0.371),
    "R": (0.105, 0.373, 0.466, -0.900, 0.900, 0.528, -0.371),
    "S": (-0.337, -0.637, -0.544, -0.364, -0.265, -0.466, -0.212),
    "T": (0.402, -0.417, -0.321, -0.199, -0.288, -0.403, 0.212),
    "V": (0.677, -0.285, -0.232, 0.331, -0.191, -0.031, 0.900),
    "W": (0.479, 0.900, 0.900, 0.900, -0.209, 0.279, 0.529),
    "Y": (0.363, 0.417, 0.541, 0.188, -0.274, -0.155, 0.476),
}
_BLOSUM_UNIT = 4.0
"""BLOSUM62 is divided by this, so that its numbers are of the size of one-hot's."""

SCALES: Mapping[str, Mapping[str, Sequence[float]]] = {
    "blosum62": {
        letter: tuple(score / _BLOSUM_UNIT for score in row) for letter, row in _BLOSUM62.items()
    },
    "properties": _PROPERTIES,
}
"""Name: amino acid: its numbers."""


def tabulate_scales(names: Sequence[str]) -> NDArray[np.float32]:
    """Put scales side by side.

    Returns
    -------
    array of float32, shape (numbers, 20)
        A column for each amino acid, in the order of the alphabet's codes.
    """
    rows = [[SCALES[name][letter] for letter in PROTEIN.letters] for name in names]
    columns = [np.array(row, np.float32).T for row in rows]
    return np.concatenate([np.empty((0, len(PROTEIN.letters)), np.float32), *columns])
