"""What each role of each fold holds, and whether a model can be trained and tested on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.config import Targets
from bioseq_dl.data.tables import TEST, TRAIN, VAL
from bioseq_dl.encode.examples import ROLES
from bioseq_dl.errors import InputError

_MOST_CLASSES = 100
_FIX = {
    TRAIN: "lower split.val_fraction or split.test_fraction, or add records or groups",
    VAL: "raise split.val_fraction, mark records val, or add records or groups",
    TEST: "raise split.test_fraction, mark records test, or add records or groups",
}


def check_roles(labels: NDArray[np.float32], targets: Targets, roles: NDArray[np.uint8]) -> None:
    """See that every role has records, and more than one class where one target needs it.

    A class that is absent from a part of a multi-class split is no error: the table of
    `describe_roles` shows it.

    Parameters
    ----------
    labels : ndarray of float32, shape (n, targets)
    targets : Targets
    roles : ndarray of uint8, shape (folds, n)

    Raises
    ------
    InputError
        Where a role is empty; where the only target has one class in train, or, if it is
        binary, in test.
    """
    for fold, row in enumerate(roles):
        for role in (TRAIN, VAL, TEST):
            mine = row == role
            if not mine.any():
                raise InputError(
                    f"no {ROLES[role]} records in fold {fold} (of {len(row)} records)",
                    fix=_FIX[role],
                )
            if labels.shape[1] != 1 or targets.kind == "regression":
                continue
            if role == VAL or (role == TEST and targets.kind == "multiclass"):
                continue
            found = np.unique(labels[mine, 0])
            found = found[~np.isnan(found)]
            if len(found) < 2:
                name = targets.names[0]
                held = f"{name} = {_name(found[0], targets)}" if len(found) else "no label"
                raise InputError(
                    f"the {ROLES[role]} records of fold {fold} have one class only",
                    position=f"target {name}",
                    found=held,
                    allowed="two classes or more",
                    fix="check the labels, or choose a split that spreads the classes",
                )


def _name(value: np.float32, targets: Targets) -> str:
    code = int(value)
    return targets.classes[code] if code < len(targets.classes) else str(code)


def describe_roles(
    names: tuple[str, ...], labels: NDArray[np.float32], roles: NDArray[np.uint8]
) -> list[dict[str, Any]]:
    """Count the records of every role of every fold, and their labels.

    Returns
    -------
    list of dict
        `fold`, `role`, `records`, and under `targets` by name either `counts` (value:
        records; classes) or `mean`, `sd`; and `missing`.
    """
    classes = {name: _list_classes(column) for name, column in zip(names, labels.T, strict=True)}
    rows = []
    for fold, row in enumerate(roles):
        for role, role_name in enumerate(ROLES):
            mine = row == role
            if not mine.any():
                continue
            held = {
                name: _describe(column[mine], classes[name])
                for name, column in zip(names, labels.T, strict=True)
            }
            rows.append(
                {"fold": fold, "role": role_name, "records": int(mine.sum()), "targets": held}
            )
    return rows


def _list_classes(column: NDArray[np.float32]) -> NDArray[np.float32] | None:
    values = np.unique(column[~np.isnan(column)])
    whole = len(values) <= _MOST_CLASSES and bool((values == np.floor(values)).all())
    return values if whole else None


def _describe(column: NDArray[np.float32], classes: NDArray[np.float32] | None) -> dict[str, Any]:
    known = column[~np.isnan(column)].astype(np.float64)
    found: dict[str, Any] = {"missing": len(column) - len(known)}
    if classes is not None:
        found["counts"] = {f"{value:g}": int((known == value).sum()) for value in classes}
    elif len(known):
        found |= {"mean": float(known.mean()), "sd": float(known.std())}
    return found
