"""Points to pixels: exact, whatever their density; and the grid they stand on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from bioseq_dl.encode.assignment import (
    assign_pixels,
    fall_on_pixels,
    find_side,
    scale_to_grid,
    settle_ties,
    turn_upright,
)
from bioseq_dl.encode.curve import draw_curve
from bioseq_dl.errors import InputError


def draw_points(count: int, kind: str, seed: int) -> np.ndarray:
    draw = np.random.default_rng(seed)
    if kind == "even":
        return draw.random((count, 2))
    if kind == "crowded":
        return draw.standard_t(2, (count, 2))
    if kind == "whole":
        return draw.integers(0, 3, (count, 2)).astype(float)
    return np.repeat(draw.random((1, 2)), count, axis=0)


def cost(points: np.ndarray, pixels: np.ndarray, width: int) -> float:
    centres = np.stack(np.divmod(pixels, width), axis=1) + 0.5
    return float(((points - centres) ** 2).sum())


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 90),
    st.integers(1, 12),
    st.integers(0, 40),
    st.sampled_from(["even", "crowded", "whole", "alike"]),
)
def test_assignment_is_the_best_there_is(count, height, free, kind):
    width = -(-(count + free) // height)
    points = scale_to_grid(draw_points(count, kind, count), height, width)
    pixels = assign_pixels(points, height, width)
    assert len(np.unique(pixels)) == count
    assert pixels.min() >= 0
    assert pixels.max() < height * width
    centres = np.stack(np.divmod(np.arange(height * width), width), axis=1) + 0.5
    _, best = linear_sum_assignment(cdist(points, centres, "sqeuclidean"))
    assert cost(points, pixels, width) == pytest.approx(cost(points, best, width), abs=1e-6)


def test_assignment_of_a_crowd_is_that_of_the_dense_problem():
    points = scale_to_grid(draw_points(500, "crowded", 1), 25, 25)
    centres = np.stack(np.divmod(np.arange(625), 25), axis=1) + 0.5
    _, best = linear_sum_assignment(cdist(points, centres, "sqeuclidean"))
    assert (assign_pixels(points, 25, 25) == best).all()


def test_points_in_one_spot_take_their_pixels_in_order():
    points = np.array([[2.5, 2.5], [0.5, 0.5], [2.5, 2.5], [2.5, 2.5]])
    pixels = assign_pixels(points, 5, 5)
    assert pixels[1] == 0
    assert pixels[0] < pixels[2] < pixels[3]
    assert 12 in pixels
    settled = settle_ties(points, np.array([9, 1, 4, 6]))
    assert settled.tolist() == [4, 1, 6, 9]


@pytest.mark.parametrize("angle", [0.0, 0.3, 1.2, 2.5])
def test_turned_rectangles_are_turned_back(angle):
    draw = np.random.default_rng(0)
    corners = np.array([[0, 0], [4, 0], [4, 1], [0, 1]])
    points = np.concatenate([corners, draw.random((50, 2)) * [4, 1]])
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    found = turn_upright(points @ turn.T)
    assert sorted(np.ptp(found, axis=0)) == pytest.approx([1, 4])
    # A turn and nothing else: distances stay.
    np.testing.assert_allclose(cdist(found, found), cdist(points, points), atol=1e-9)


def test_points_without_an_area_stay():
    line = np.stack([np.arange(5.0), 2 * np.arange(5.0)], axis=1)
    assert (turn_upright(line) == line).all()
    assert (turn_upright(line[:2]) == line[:2]).all()
    assert (scale_to_grid(np.ones((3, 2)), 4, 6) == [2, 3]).all()


def test_points_fall_on_the_pixel_that_holds_them():
    points = np.array([[0, 0], [0.99, 2.5], [2, 3], [1.5, 1.0]])
    assert fall_on_pixels(points, 2, 3).tolist() == [0, 2, 5, 4]


@pytest.mark.parametrize(("count", "side"), [(1, 2), (3, 2), (4, 3), (20, 5), (21, 6), (80, 10)])
def test_grids_are_the_smallest_that_genes_fill_to_four_fifths(count, side):
    assert find_side(count, None, shared=False) == side
    assert count <= 0.8 * side**2
    assert side == 2 or count > 0.8 * (side - 1) ** 2


def test_grids_that_are_too_small_are_refused():
    assert find_side(16, 4, shared=False) == 4
    assert find_side(17, 4, shared=True) == 4
    with pytest.raises(InputError, match="17 genes do not fit on a picture of 4 x 4 pixels"):
        find_side(17, 4, shared=False)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 7), (12, 12), (5, 17), (31, 31)])
def test_curves_visit_each_pixel_from_a_neighbour(height, width):
    curve = draw_curve(height, width)
    assert len({(row, column) for row, column in curve.tolist()}) == height * width == len(curve)
    assert curve.min() == 0
    assert curve.max(axis=0).tolist() == [height - 1, width - 1]
    assert (np.abs(np.diff(curve, axis=0)).sum(axis=1) == 1).all()
