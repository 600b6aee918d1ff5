"""JSON that steps wrote, read with one line on what is wrong with it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bioseq_dl.errors import InputError

RERUN = "run snakemake"
"""What helps against most damage: the workflow makes what is missing."""


def read_json(path: Path, fix: str = RERUN) -> Any:
    """Read a JSON file; `fix` is the advice where it cannot be read.

    Raises
    ------
    InputError
        Where it is missing or damaged.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", file=path, fix=fix) from None
    except (OSError, ValueError, RecursionError) as error:
        problem = str(error).splitlines()[0]
        raise InputError(f"not valid JSON: {problem}", file=path, fix=fix) from None


def read_record(path: Path, fix: str = RERUN) -> dict[str, Any]:
    """Read a JSON file that holds an object, such as train.json or metrics.json.

    Raises
    ------
    InputError
        Where it is missing or damaged, or holds something else.
    """
    found = read_json(path, fix)
    if not isinstance(found, dict):
        raise InputError(
            "not what the step wrote",
            file=path,
            found=type(found).__name__,
            allowed="an object",
            fix=fix,
        )
    return found
