from __future__ import annotations

import numpy as np
import pytest

from bioseq_dl.config import Targets
from bioseq_dl.data.composition import check_roles, describe_roles
from bioseq_dl.errors import InputError

ROLES = np.array([[0, 0, 1, 2, 2, 3]], np.uint8)


def column(values) -> np.ndarray:
    return np.array(values, np.float32)[:, None]


@pytest.mark.parametrize(("role", "name"), [(0, "train"), (1, "val"), (2, "test")])
def test_an_empty_role_is_an_error(role: int, name: str) -> None:
    roles = np.where(role == ROLES, 3, ROLES)
    with pytest.raises(InputError, match=f"no {name} records in fold 0 .of 6 records.; fix: "):
        check_roles(column([0, 1, 0, 0, 1, 1]), Targets(), roles)


@pytest.mark.parametrize(
    ("labels", "targets", "message"),
    [
        (
            [1, 1, 0, 0, 1, 0],
            Targets(classes=("no", "yes")),
            "target label: the train records of fold 0 have one class only; "
            "found 'label = yes'; allowed: two classes or more; fix: ",
        ),
        ([0, 1, 0, 1, 1, 0], Targets(), "the test records of fold 0 have one class only"),
        ([np.nan, np.nan, 0, 1, 0, 0], Targets(), "found 'no label'"),
        (
            [2, 2, 0, 1, 0, 0],
            Targets(kind="multiclass", classes=("a", "b", "c")),
            "train records of fold 0 have one class only; found 'label = c'",
        ),
    ],
)
def test_one_class_only_is_an_error(labels, targets: Targets, message: str) -> None:
    with pytest.raises(InputError, match=message):
        check_roles(column(labels), targets, ROLES)


def test_what_may_have_one_class() -> None:
    multiclass = Targets(kind="multiclass", classes=("a", "b", "c"))
    check_roles(column([0, 1, 0, 2, 2, 0]), multiclass, ROLES)
    check_roles(column([5] * 6), Targets(kind="regression"), ROLES)
    check_roles(np.ones((6, 2), np.float32), Targets(names=("a", "b")), ROLES)


def test_description_counts_classes_and_sums_up_values() -> None:
    labels = np.array([[0, 0.5], [1, 1.5], [1, 2], [0, np.nan], [np.nan, 1], [0, 0]], np.float32)
    rows = describe_roles(("class", "value"), labels, ROLES)
    assert [(row["role"], row["records"]) for row in rows] == [
        ("train", 2), ("val", 1), ("test", 2), ("drop", 1),
    ]  # fmt: skip
    assert rows[0]["targets"]["class"] == {"missing": 0, "counts": {"0": 1, "1": 1}}
    assert rows[0]["targets"]["value"] == {"missing": 0, "mean": 1.0, "sd": 0.5}
    assert rows[2]["targets"]["class"] == {"missing": 1, "counts": {"0": 1, "1": 0}}
    assert rows[2]["targets"]["value"] == {"missing": 1, "mean": 1.0, "sd": 0.0}
