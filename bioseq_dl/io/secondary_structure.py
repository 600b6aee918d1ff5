"""States of secondary structure, their letters and codes.

States are those of DSSP (Kabsch & Sander 1983, Biopolymers 22:2577; PDB-REDO dssp 4):

== ============================== == ===================================
H  alpha helix (4-turns)          E  strand in a ladder
G  3-10 helix (3-turns)           B  isolated bridge
I  pi helix (5-turns)             T  hydrogen-bonded turn
S  bend                           C  none of these (written ``-``, ``L`` or a space by others)
== ============================== == ===================================

DSSP 4 also knows P, the polyproline II helix (kappa helix); it is read as C, because the labels
of older sets have it as such. A residue without a label is ``X``: never C.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Q8 = "GHIBESTC"
"""The eight states, in the order of their codes."""
Q3 = "HEC"
"""The three states, in the order of their codes."""
NO_LABEL = "X"
"""A residue without a label."""
REDUCTIONS: Mapping[str, Mapping[str, str]] = {
    "standard": dict(zip(Q8, "HHHEECCC", strict=True)),
    "no_pi": dict(zip(Q8, "HHCEECCC", strict=True)),
    "strict": dict(zip(Q8, "CHCCECCC", strict=True)),
}
"""Ways to three states. ``standard`` (HGI to H, EB to E; Rost & Sander 1993, and the Q3 labels
of NetSurfP-2.0) is the default; ``no_pi`` reads I as coil; ``strict`` takes H and E alone, which
is easier to predict: its scores are not comparable with the others'."""

_COIL, _NONE = "-L ~", "X?."
SPELLINGS: Mapping[str, Mapping[str, str]] = {
    "q8": {letter: letter for letter in Q8}
    | dict.fromkeys(_COIL + "P", "C")
    | dict.fromkeys(_NONE, NO_LABEL),
    "q3": {letter: letter for letter in Q3}
    | dict.fromkeys(_COIL, "C")
    | dict.fromkeys(_NONE, NO_LABEL),
}
"""What each letter of a file's labels means."""
ALLOWED: Mapping[str, str] = {
    "q8": "G, H, I, B, E, S, T, C (also -, L, a space or P for C), X, ? or . for no label",
    "q3": "H, E, C (also -, L or a space for C), X, ? or . for no label",
}


def reduce_states(q8: str, reduction: str = "standard") -> str:
    """Map eight states to three, letter by letter; X stays X.

    Parameters
    ----------
    q8 : str (n,)
        Over `Q8` and X.
    reduction : str
        A key of `REDUCTIONS`.
    """
    table = {ord(state): target for state, target in REDUCTIONS[reduction].items()}
    return q8.translate(table)


def encode_states(labels: str, states: str) -> NDArray[np.int8]:
    """Turn labels into codes: shape (n,), the state's place in `states`, -1 without a label."""
    table = np.full(128, -1, np.int8)
    for code, state in enumerate(states):
        table[ord(state)] = code
    codes: NDArray[np.int8] = table[np.frombuffer(labels.encode("ascii"), np.uint8)]
    return codes


def decode_states(codes: NDArray[np.integer], states: str) -> str:
    """Turn codes of shape (n,) into labels; -1 is X."""
    letters = np.frombuffer((states + NO_LABEL).encode("ascii"), np.uint8)
    return letters[np.asarray(codes)].tobytes().decode("ascii")
