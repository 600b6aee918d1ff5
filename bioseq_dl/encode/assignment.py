"""From places in the plane to pixels of a grid."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import min_weight_full_bipartite_matching
from scipy.spatial import ConvexHull, KDTree, QhullError

from bioseq_dl.errors import InputError

_FIRST = 32
"""Pixels around each point, and around its rough place, that are tried first."""
_MORE = 64
"""Pixels that may join for a point at a time."""
_BLOCK = 1 << 18
"""Distances that are held at a time where all are compared."""
_FILLING = 0.8
"""Of a grid whose size is not given: genes by pixels, at most."""
_TOLERANCE = 1e-9
"""Of a price, as a part of the largest distance: rounding."""


def find_side(count: int, size: int | None, *, shared: bool) -> int:
    """Give the side of the square that holds some genes.

    Parameters
    ----------
    count : int
    size : int, optional
        The side that was asked for; None is the smallest that they fill to 80 % or less.
    shared : bool
        Whether genes may share a pixel.

    Raises
    ------
    InputError
        Where they do not fit.
    """
    if size is None:
        size = max(2, math.isqrt(math.ceil(count / _FILLING) - 1) + 1)
    elif not shared and size * size < count:
        raise refuse_size(count, size)
    return size


def refuse_size(count: int, size: int) -> InputError:
    """Give the error of a grid that is too small."""
    return InputError(
        f"{count} genes do not fit on a picture of {size} x {size} pixels",
        position="key encode.layout.size",
        found=size,
        allowed=f"{math.isqrt(count - 1) + 1} and more, or null",
        fix="raise the size, keep fewer genes (encode.variable_genes), or let them share pixels "
        "(assignment: average)",
    )


def turn_upright(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Turn points so that the smallest rectangle around them lies along the axes.

    One of its sides holds an edge of the convex hull (Freeman and Shapira 1975, Communications of
    the ACM 18:409), so each edge is tried. DeepInsight does the same (Sharma et al. 2019,
    Scientific Reports 9:11399).

    Parameters
    ----------
    points : ndarray of float64 (k, 2)

    Returns
    -------
    ndarray of float64 (k, 2)
        Points on one line, or fewer than three, come back as they are.
    """
    if len(points) < 3:
        return points
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        return points
    edges = np.roll(corners, -1, axis=0) - corners
    angles = np.unique(np.arctan2(edges[:, 1], edges[:, 0]) % (np.pi / 2))
    cosine, sine = np.cos(angles), np.sin(angles)
    # (angles, 2, 2): each turns an edge onto an axis.
    turns = np.stack([np.stack([cosine, sine], 1), np.stack([-sine, cosine], 1)], 1)
    spans = np.ptp(turns @ corners.T, axis=2)
    best = turns[int(np.argmin((spans[:, 0] * spans[:, 1]).round(12)))]
    turned: NDArray[np.float64] = points @ best.T
    return turned


def scale_to_grid(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.float64]:
    """Stretch points over a grid: (k, 2) rows from 0 to `height`, columns from 0 to `width`."""
    low, span = points.min(axis=0), np.ptp(points, axis=0)
    # Where all are alike, the middle.
    parts = np.where(span > 0, (points - low) / np.where(span > 0, span, 1.0), 0.5)
    scaled: NDArray[np.float64] = parts * np.array([height, width])
    return scaled


def fall_on_pixels(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Give the pixel in which each point of the grid lies, int64 (k,); several may share one."""
    cells = np.minimum(np.floor(points).astype(np.int64), [height - 1, width - 1])
    return cells[:, 0] * width + cells[:, 1]


def assign_pixels(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Give each point a pixel of its own, with the least sum of squared distances to the centres.

    Exact: the linear sum assignment of all points to all pixels. It is solved on the pixels near
    each point (sparse LAPJV, Jonker and Volgenant 1987, Computing 38:325), and the prices of the
    pixels that a solution implies show for which points one farther away would be better; these
    join until there is none. That holds a fraction of the distances of the dense problem; it is
    faster where points lie evenly, and up to twice as slow where they crowd.

    Parameters
    ----------
    points : ndarray of float64 (k, 2)
        Rows and columns on the grid, as `scale_to_grid` gives; at most height * width.
    height, width : int

    Returns
    -------
    ndarray of int64 (k,)
        Row * width + column, each once. Points in one spot have theirs in ascending order.
    """
    size = height * width
    rows, columns = np.divmod(np.arange(size), width)
    centres = np.stack([rows, columns], axis=1) + 0.5
    tree = KDTree(centres)
    # Where points crowd, those near do not reach for all: a rough assignment makes sure of it.
    rough = _spread(points, height, width)
    pairs = np.union1d(
        _list_near(tree, points, min(_FIRST, size)),
        _list_near(tree, centres[rough], min(_FIRST, size)),
    )
    while True:
        cost = _measure(points, centres, pairs)
        taken = _solve(pairs, cost, len(points), size)
        prices = _find_prices(pairs, cost, taken, size)
        better = _find_better(points, centres, taken, prices)
        better = np.setdiff1d(better, pairs, assume_unique=True)
        if not len(better):
            return settle_ties(points, taken)
        pairs = np.union1d(pairs, better)


def settle_ties(points: NDArray[np.float64], pixels: NDArray[np.int64]) -> NDArray[np.int64]:
    """Share out the pixels of points in one spot anew: ascending, in the order of the points."""
    _, spot = np.unique(points, axis=0, return_inverse=True)
    spot = spot.reshape(-1)
    settled = np.empty_like(pixels)
    settled[np.argsort(spot, kind="stable")] = pixels[np.lexsort((pixels, spot))]
    return settled


def _spread(points: NDArray[np.float64], height: int, width: int) -> NDArray[np.int64]:
    """Give each point a pixel of its own, roughly where it is: by rank, row by row."""
    count, size = len(points), height * width
    # Rank r of k goes to place r * size // k of the grid, so that free pixels lie everywhere.
    place = np.arange(count) * size // count
    by_row = np.argsort(points[:, 0], kind="stable")
    rows = place // width
    order = np.lexsort((points[by_row, 1], rows))
    taken = np.empty(count, np.int64)
    taken[by_row[order]] = place
    return taken


def _list_near(tree: KDTree, points: NDArray[np.float64], near: int) -> NDArray[np.int64]:
    """Give pairs of points and pixels as point * pixels + pixel, ascending."""
    _, found = tree.query(points, near)
    found = np.asarray(found, np.int64).reshape(len(points), near)
    pairs: NDArray[np.int64] = np.sort(found + np.arange(len(points))[:, None] * tree.n, axis=None)
    return pairs


def _measure(
    points: NDArray[np.float64], centres: NDArray[np.float64], pairs: NDArray[np.int64]
) -> NDArray[np.float64]:
    point, pixel = np.divmod(pairs, len(centres))
    apart: NDArray[np.float64] = ((points[point] - centres[pixel]) ** 2).sum(axis=1)
    return apart


def _solve(
    pairs: NDArray[np.int64], cost: NDArray[np.float64], count: int, size: int
) -> NDArray[np.int64]:
    """Give the pixel of each point."""
    point, pixel = np.divmod(pairs, size)
    starts = np.searchsorted(point, np.arange(count + 1))
    # All points are taken, so that 1 more of each changes nothing; a zero would be no pair at all.
    graph = csr_array(
        (cost + 1, pixel.astype(np.int32), starts.astype(np.int32)), shape=(count, size)
    )
    _, taken = min_weight_full_bipartite_matching(graph)
    return np.asarray(taken, np.int64)


def _find_prices(
    pairs: NDArray[np.int64], cost: NDArray[np.float64], taken: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Give the dual solution: float64 (size,), 0 of free pixels, below it where points compete.

    A pixel's price is the shortest path to it in the graph of exchanges, by Bellman and Ford.
    """
    point, pixel = np.divmod(pairs, size)
    own = cost[np.searchsorted(pairs, np.arange(len(taken)) * size + taken)]
    order = np.argsort(pixel, kind="stable")
    source, gain = taken[point[order]], (cost - own[point])[order]
    reached, starts = np.unique(pixel[order], return_index=True)
    prices = np.zeros(size)
    for _ in range(size):
        found = np.minimum.reduceat(gain + prices[source], starts)
        change = found < prices[reached] - _TOLERANCE
        if not change.any():
            break
        prices[reached[change]] = found[change]
    return prices


def _find_better(
    points: NDArray[np.float64],
    centres: NDArray[np.float64],
    taken: NDArray[np.int64],
    prices: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Give pairs whose distance less the pixel's price is below that of the point's own pixel.

    Of each point the best `_MORE`; none where the assignment is optimal.
    """
    own = ((points - centres[taken]) ** 2).sum(axis=1) - prices[taken]
    tolerance = _TOLERANCE * max(1.0, float((centres.max(axis=0) ** 2).sum()))
    rows = max(1, _BLOCK // len(centres))
    most = min(_MORE, len(centres))
    found = []
    for start in range(0, len(points), rows):
        part = points[start : start + rows]
        apart = (part[:, :1] - centres[:, 0]) ** 2 + (part[:, 1:] - centres[:, 1]) ** 2
        gain = (own[start : start + rows] - tolerance)[:, None] - (apart - prices)
        some = np.flatnonzero(gain.max(axis=1) > 0)
        gain = gain[some]
        best = np.argpartition(-gain, most - 1, axis=1)[:, :most]
        point, place = np.nonzero(np.take_along_axis(gain, best, axis=1) > 0)
        found.append((some[point] + start) * len(centres) + best[point, place])
    return np.concatenate(found).astype(np.int64)
