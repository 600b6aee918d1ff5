import numpy as np
import pytest
from matplotlib.patches import PathPatch

from bioseq_dl.report.logo import (
    LETTER_COLOURS,
    draw_letters,
    information,
    shorten_paths,
    stack,
)
from bioseq_dl.report.style import drawing, render_svg


def _draw(heights, **options):
    with drawing(3, 1) as figure:
        axes = figure.subplots()
        draw_letters(axes, heights, **options)
    return axes, [patch for patch in axes.patches if isinstance(patch, PathPatch)]


def test_a_letter_fills_its_place_from_the_line_to_its_value():
    axes, patches = _draw([[0, 0, 0, 0], [0, 0, 1.5, 0]], start=10)
    (patch,) = patches
    box = patch.get_path().get_extents()
    assert (box.y0, box.y1) == pytest.approx((0, 1.5))
    assert (box.x0, box.x1) == pytest.approx((10.53, 11.47))  # centred on 11
    assert axes.get_xlim() == pytest.approx((9.5, 11.5))
    assert matches_colour(patch, "G")


def matches_colour(patch, letter):
    red, green, blue, _ = patch.get_facecolor()
    code = "#{:02x}{:02x}{:02x}".format(*(round(255 * part) for part in (red, green, blue)))
    return code == LETTER_COLOURS[letter]


def test_negative_letters_hang_upside_down():
    _, (upright,) = _draw([[1.0, 0, 0, 0]])
    _, (hanging,) = _draw([[-1.0, 0, 0, 0]])
    assert hanging.get_path().get_extents().y0 == pytest.approx(-1)
    np.testing.assert_allclose(
        hanging.get_path().vertices[:, 1], -upright.get_path().vertices[:, 1]
    )


def test_small_letters_stand_next_to_the_line_on_either_side():
    feet = stack(np.array([[0.5, -0.2, 1.0, -0.7]]))
    np.testing.assert_allclose(feet, [[0.0, 0.0, 0.5, -0.2]])


def test_all_occurrences_of_a_letter_are_one_patch():
    heights = np.eye(4)[np.random.default_rng(0).integers(0, 4, 200)]
    _, patches = _draw(heights)
    assert len(patches) == 4


def test_other_shapes_are_refused_and_nothing_is_drawn_of_zeros():
    with pytest.raises(ValueError, match=r"\(length, 4\)"):
        _draw(np.zeros((3, 5)))
    _, patches = _draw(np.full((3, 4), np.nan))
    assert not patches


def test_information_is_two_bits_for_one_letter_and_none_for_all():
    heights = information([[1, 0, 0, 0], [0.25] * 4, [0.5, 0.5, 0, 0]])
    np.testing.assert_allclose(heights, [[2, 0, 0, 0], [0] * 4, [0.5, 0.5, 0, 0]])
    against = information([[0.5, 0, 0.5, 0]], background=[0.5, 0, 0.5, 0])
    np.testing.assert_allclose(against, 0)


def test_the_same_logo_is_the_same_svg():
    texts = []
    for _ in range(2):
        with drawing(3, 1) as figure:
            draw_letters(figure.subplots(), np.eye(4))
            texts.append(render_svg(figure, "logo", "A logo"))
    assert texts[0] == texts[1]


def test_paths_are_rounded_and_nothing_else_is():
    assert shorten_paths('<path id="a.12345" d="M 1.23456 -2.5"/>1.23456') == (
        '<path id="a.12345" d="M 1.23 -2.5"/>1.23456'
    )
