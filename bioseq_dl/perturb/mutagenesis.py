"""In-silico mutagenesis: every letter of a window replaced by every other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.perturb.engine import Engine

_LETTERS = len(DNA.letters)


def mutate_everywhere(
    engine: Engine, codes: NDArray[np.uint8], start: int = 0, end: int | None = None
) -> NDArray[np.float32]:
    """Score a window with each letter of an interval replaced.

    Parameters
    ----------
    engine : Engine
    codes : uint8 (length,)
        A C G T = 0 1 2 3, unknown = 4.
    start, end : int
        The interval, half-open; default the whole window.

    Returns
    -------
    float32 (end - start, 4, targets), or (end - start, 4, targets, classes)
        The output with that letter at that place; at the window's own letter the output of
        the window itself.
    """
    end = len(codes) if end is None else end
    places = np.repeat(np.arange(start, end), _LETTERS)
    letters = np.tile(np.arange(_LETTERS, dtype=np.uint8), end - start)
    changed = np.flatnonzero(letters != codes[places])
    reference, mutants = engine.score_changes(
        codes[None],
        np.zeros(len(changed), np.int64),
        places[changed],
        places[changed] + 1,
        letters[changed],
    )
    outputs = np.repeat(reference, len(places), axis=0)
    outputs[changed] = mutants
    return outputs.reshape(end - start, _LETTERS, *reference.shape[1:])


def mutate_each(
    engine: Engine, windows: Iterable[NDArray[np.uint8]]
) -> Iterator[NDArray[np.float32]]:
    """Score many windows as `mutate_everywhere` does, one after another."""
    for codes in windows:
        yield mutate_everywhere(engine, codes)
