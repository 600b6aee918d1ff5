"""A curve through all pixels of a grid, so that what follows on it stands together."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def draw_curve(height: int, width: int) -> NDArray[np.int64]:
    """Visit each pixel once, from one to a neighbour of it.

    Hilbert's curve for rectangles of any size, by halving (J. Cerveny's generalisation). A run of
    pixels is a compact patch. Steps go to one of the four neighbours, but for one diagonal where
    the longer side is odd and the shorter even.

    Parameters
    ----------
    height, width : int

    Returns
    -------
    ndarray of int64 (height * width, 2)
        Row and column.
    """
    if width >= height:
        steps = _halve((0, 0), (0, width), (height, 0))
    else:
        steps = _halve((0, 0), (height, 0), (0, width))
    return np.array(steps, np.int64)


_Pair = tuple[int, int]


def _halve(start: _Pair, along: _Pair, across: _Pair) -> list[_Pair]:
    """Fill a rectangle from `start` to the end of `along`; both sides signed, one of them 0."""
    long, short = abs(sum(along)), abs(sum(across))
    ahead, aside = _unit(along), _unit(across)
    if short == 1:
        return [_move(start, ahead, place) for place in range(long)]
    if long == 1:
        return [_move(start, aside, place) for place in range(short)]
    half, rest = _part(along), _part(across)
    if 2 * long > 3 * short:
        if abs(sum(half)) % 2 and long > 2:
            half = _move(half, ahead, 1)
        second = _move(start, half, 1)
        return [*_halve(start, half, across), *_halve(second, _less(along, half), across)]
    if abs(sum(rest)) % 2 and short > 2:
        rest = _move(rest, aside, 1)
    # Up on the left, over the top, down on the right.
    top = _move(start, rest, 1)
    last = _move(_move(start, _less(along, ahead), 1), _less(rest, aside), 1)
    return [
        *_halve(start, rest, half),
        *_halve(top, along, _less(across, rest)),
        *_halve(last, _less((0, 0), rest), _less((0, 0), _less(along, half))),
    ]


def _unit(side: _Pair) -> _Pair:
    return tuple((part > 0) - (part < 0) for part in side)  # type: ignore[return-value]


def _part(side: _Pair) -> _Pair:
    """Half of a side, rounded down."""
    return side[0] // 2, side[1] // 2


def _move(start: _Pair, side: _Pair, times: int) -> _Pair:
    return start[0] + times * side[0], start[1] + times * side[1]


def _less(one: _Pair, other: _Pair) -> _Pair:
    return one[0] - other[0], one[1] - other[1]
