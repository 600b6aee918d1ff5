"""How well each class is found: recall, precision, F1, and what it is taken for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from bioseq_dl.evaluate.curves import wilson_interval

COLUMNS = (
    "target", "class", "records", "recall", "low", "high", "precision", "f1", "taken_for", "taken",
)  # fmt: skip


def tabulate_classes(confusion: pd.DataFrame, confidence: float) -> pd.DataFrame:
    """Give a row a class.

    Parameters
    ----------
    confusion : DataFrame
        As `bioseq_dl.evaluate.curves.count_confusion` gives.
    confidence : float
        Of Wilson's interval of the recall.

    Returns
    -------
    DataFrame
        `COLUMNS`: test records of the class, recall and its interval, precision, F1 (NaN where
        undefined), the wrong class it is called most often (empty: never) and how often.
    """
    rows: list[dict[str, Any]] = []
    for target, cells in confusion.groupby("target", sort=False):
        names = list(dict.fromkeys(cells["truth"]))
        counts = cells["records"].to_numpy(np.int64).reshape(len(names), len(names))
        for code, name in enumerate(names):
            hits, support = int(counts[code, code]), int(counts[code].sum())
            called = int(counts[:, code].sum())
            row: dict[str, Any] = {"target": target, "class": name, "records": support}
            if support:
                low, high = wilson_interval(hits, support, confidence)
                row |= {"recall": hits / support, "low": low, "high": high}
            if called:
                row["precision"] = hits / called
            if support + called:
                row["f1"] = 2 * hits / (support + called)
            wrong = np.where(np.arange(len(names)) == code, 0, counts[code])
            most = int(wrong.argmax())
            row |= {"taken_for": names[most] if wrong[most] else "", "taken": int(wrong[most])}
            rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))
