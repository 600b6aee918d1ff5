"""Labels as they stand in files."""

from __future__ import annotations

import math

import numpy as np
import pytest

from bioseq_dl.config import Targets
from bioseq_dl.errors import InputError
from bioseq_dl.io.labels import Place, parse_folds, parse_labels

BINARY = Targets()
NAMED = Targets(classes=("negative", "positive"))
CLASSES = Targets(kind="multiclass", classes=("ets", "yy1", "na"))
DIGITS = Targets(kind="multiclass", classes=("2", "1", "0"))
NUMBERS = Targets(kind="regression")


def parse(values, targets):
    return parse_labels(values, targets, lambda index: Place("f.csv", f"r{index}", "column y"))


@pytest.mark.parametrize(
    ("targets", "value", "expected"),
    [
        (BINARY, "1", 1),
        (BINARY, " 0.0 ", 0),
        (BINARY, "TRUE", 1),
        (BINARY, 1.0, 1),
        (BINARY, "", math.nan),
        (BINARY, "NA", math.nan),
        (NAMED, "positive", 1),
        (NAMED, "0", 0),
        (CLASSES, "yy1", 1),
        (CLASSES, "na", 2),
        (CLASSES, "nan", math.nan),
        (DIGITS, "0", 2),
        (DIGITS, 2.0, 0),
        (DIGITS, "1.0", 1),
        (NUMBERS, "-1.5e3", -1500),
        (NUMBERS, 0.25, 0.25),
        (NUMBERS, "NaN", math.nan),
    ],
)
def test_values(targets, value, expected):
    found = parse([value, value], targets)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [expected, expected])


@pytest.mark.parametrize(
    ("targets", "value", "rest"),
    [
        (BINARY, "2", "label not understood; found '2'; allowed: 0, 1, true, false, or empty"),
        (
            NAMED,
            "postive",
            "label not understood; found 'postive'; allowed: negative, positive, or empty; "
            "fix: did you mean positive?",
        ),
        (CLASSES, "1", "label not understood; found '1'; allowed: ets, yy1, na, or empty"),
        (NUMBERS, "high", "label is not a number; found 'high'; allowed: numbers, or empty"),
        (
            NUMBERS,
            "1,5",
            "label is not a number; found '1,5'; allowed: numbers, or empty; "
            "fix: write a point for the decimal comma",
        ),
        (
            NUMBERS,
            "inf",
            "label is not a finite number; found 'inf'; allowed: -3.4e38 to 3.4e38, or empty",
        ),
        (
            NUMBERS,
            "1e39",
            "label is not a finite number; found '1e39'; allowed: -3.4e38 to 3.4e38, or empty",
        ),
    ],
)
def test_errors_name_the_place_and_what_is_allowed(targets, value, rest):
    with pytest.raises(InputError) as caught:
        parse(["", value], targets)
    assert str(caught.value) == f"f.csv, record 'r1', column y: {rest}"


def test_folds():
    place = Place("f", "r", "column fold")
    values = ["train", "Val", "dev", "validation", "test", ""]
    found = parse_folds(values, lambda _: place)
    assert found == ["train", "val", "val", "val", "test", None]
    with pytest.raises(InputError, match=r"official fold not understood; found 'tset'.*mean test"):
        parse_folds(["tset"], lambda _: place)
