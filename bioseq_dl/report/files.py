"""Files of earlier steps, read with one line on what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from bioseq_dl.errors import InputError
from bioseq_dl.io import json_files

_TEXT = (
    *("id", "other_id", "target", "class", "truth", "predicted", "bin", "source", "group"),
    *("residue", "true:q3", "true:q8", "batch", "taken_for", "gene"),
)
"""Ids, classes, sources and letters are text, whatever they look like ("NA", "007", "1-Mar")."""


def read_json(path: Path, step: str) -> Any:
    """Read a JSON file that `step` wrote.

    Raises
    ------
    InputError
        Where it is missing or damaged.
    """
    return json_files.read_json(path, f"run {step} again")


def read_table(path: Path, step: str, separator: str = "\t") -> pd.DataFrame:
    """Read a table that `step` wrote; empty cells are missing, "NA" is a name.

    Raises
    ------
    InputError
        Where it is missing or damaged.
    """
    text: Any = dict.fromkeys(_TEXT, str)
    try:
        return pd.read_csv(path, sep=separator, dtype=text, keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise _missing(path, step) from None
    except (ValueError, OSError) as error:  # pandas' own errors are ValueErrors
        problem = str(error).splitlines()[0]
        raise InputError(
            f"not a readable table: {problem}", file=path, fix=f"run {step} again"
        ) from None


def _missing(path: Path, step: str) -> InputError:
    return InputError("no such file", file=path, fix=f"run {step} again")
