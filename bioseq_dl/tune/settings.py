"""What a study's values depend on, of the config."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from bioseq_dl.config.tune_space import FREE


def select_settings(settings: dict[str, Any]) -> dict[str, Any]:
    """Leave out what changes no trial: a study is continued with other numbers of trials, say.

    Parameters
    ----------
    settings : dict
        The part of the config that the step tune depends on.
    """
    parts: dict[str, Any] = json.loads(json.dumps(settings))
    for section, keys in (
        ("tune", ("trials", "workers")),
        ("train", FREE),
    ):
        for key in keys:
            parts[section].pop(key, None)
    return parts


def digest_settings(settings: dict[str, Any]) -> str:
    """Give a text that is equal where these parts of the config are."""
    text = json.dumps(select_settings(settings))  # the order of keys is a grid's
    return hashlib.sha256(text.encode()).hexdigest()[:16]
