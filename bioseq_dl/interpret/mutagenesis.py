"""What each letter contributes, from replacing it by each of the others (in silico)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bioseq_dl.encode.alphabet import DNA, Codes
from bioseq_dl.interpret.outputs import Output, read_outputs
from bioseq_dl.perturb.engine import Engine
from bioseq_dl.perturb.mutagenesis import mutate_everywhere

_LETTERS = len(DNA.letters)


def score_mutations(
    engine: Engine, codes: Codes, outputs: Sequence[Output]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Score every substitution of every window.

    Parameters
    ----------
    engine : Engine
        Of one model.
    codes : uint8 (n, length)
        A C G T = 0 1 2 3, unknown = 4.
    outputs : sequence of Output
        What is read.

    Returns
    -------
    changes : float32 (n, length, 4, outputs)
        Output with that letter at that place, minus the output of the window as it is; 0 for
        the letter that is there. An unknown letter is replaced by all four.
    outputs : float32 (n, outputs)
        Of the windows as they are.
    """
    count, length = codes.shape
    changes = np.empty((count, length, _LETTERS, len(outputs)), np.float32)
    reached = np.empty((count, len(outputs)), np.float32)
    for row, window in enumerate(codes):
        window = np.ascontiguousarray(window)
        found = mutate_everywhere(engine, window)
        flat = found.reshape(length * _LETTERS, *found.shape[2:])
        mutants = read_outputs(flat, outputs).reshape(length, _LETTERS, -1)
        known = np.flatnonzero(window < _LETTERS)
        if known.size:
            reached[row] = mutants[known[0], window[known[0]]]
        else:
            whole = engine.score_windows(window[None])
            reached[row] = read_outputs(whole, outputs)[0]
        changes[row] = mutants - reached[row]
    return changes, reached


def contrast_letters(changes: npt.NDArray[np.float32], codes: Codes) -> npt.NDArray[np.float32]:
    """Turn changes of the output into contributions of letters.

    A letter contributes what the output is with it, minus the mean over the three others at its
    place. For the letter that is there: the output as it is minus the mean over the three
    substitutions (the negative of the mean effect of mutating it, as saturation mutagenesis is
    commonly drawn: Zhou & Troyanskaya 2015, Nat Methods 12:931; Kelley, Snoek & Rinn 2016,
    Genome Res 26:990 take the largest loss instead).

    Parameters
    ----------
    changes : float32 (n, length, 4, outputs)
        Of `score_mutations`.
    codes : uint8 (n, length)

    Returns
    -------
    float32 (n, length, 4, outputs)
        0 at unknown letters.
    """
    total = changes.sum(axis=2, keepdims=True)
    contrasted: npt.NDArray[np.float32] = changes - (total - changes) / (_LETTERS - 1)
    contrasted[codes >= _LETTERS] = 0
    return contrasted
