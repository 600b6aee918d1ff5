"""Scores as INFO fields."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf.header import InfoField
from bioseq_dl.variants.alleles import FLIPPED, SCORED, STATUSES
from bioseq_dl.variants.scored import ScoredChunk, Scores

_MISSING = "."


def name_fields(prefix: str, names: Sequence[str], scale: str, several: bool) -> list[InfoField]:
    """Declare the INFO fields: ``REF``, ``ALT``, ``DIFF`` and ``SD`` of each output, ``STATUS``.

    Parameters
    ----------
    prefix : str
        Start of every key.
    names : sequence of str
        Of the outputs: ``<target>`` or ``<target>:<class>``.
    scale : str
        ``raw`` or ``probability``.
    several : bool
        More than one model, so that there is a spread.

    Raises
    ------
    InputError
        Where two outputs would have one key: keys hold letters, digits, ``_`` and ``.`` alone.
    """
    of = "probability" if scale == "probability" else "raw output"
    kinds = {
        "REF": f"{of} with REF",
        "ALT": f"{of} with ALT, placements of indels averaged",
        "DIFF": f"ALT minus REF, {of}",
        "SD": f"sample standard deviation over models of ALT minus REF, {of}",
    }
    if not several:
        del kinds["SD"]
    fields = []
    keys: dict[str, str] = {}
    for name in names:
        key = f"{prefix}_" + re.sub(r"[^0-9A-Za-z_.]", "_", name.replace(":", "_"))
        if key in keys:
            raise InputError(
                f"the targets {keys[key]} and {name} have one INFO key",
                found=key,
                fix="choose one of them with targets, or give them names of letters and digits",
            )
        keys[key] = name
        fields += [
            InfoField(f"{key}_{kind}", "Float", f"{name}: {words}") for kind, words in kinds.items()
        ]
    told = f"Per allele, where one is not plainly scored: {', '.join(STATUSES)}"
    return [*fields, InfoField(f"{prefix}_STATUS", "String", told)]


def format_info(scored: ScoredChunk, fields: Sequence[InfoField]) -> list[bytes | None]:
    """Write each record's INFO values: six significant digits, ``.`` where there is none.

    Parameters
    ----------
    scored : ScoredChunk
    fields : sequence of InfoField
        From `name_fields`.
    """
    keys = [field.id for field in fields[:-1]]
    status_key = fields[-1].id
    count = len(scored.chunk.lines)
    found: list[bytes | None] = [None] * count
    values = _interleave(scored.scores)
    record = scored.alleles.record
    alone = np.bincount(record, minlength=count) == 1
    (plain,) = np.nonzero(alone[record] & (scored.status == SCORED))
    # One template and one call for all; most records are like this.
    template = ";".join(f"{key}=%.6g" for key in keys) + "\n"
    text = (template * len(plain)) % tuple(values[plain].ravel().tolist())
    for here, info in zip(record[plain].tolist(), text.encode().splitlines(), strict=True):
        found[here] = info
    left = np.ones(count, bool)
    left[record[plain]] = False
    starts = np.searchsorted(record, np.arange(count + 1))
    for here in np.flatnonzero(left).tolist():
        rows = slice(int(starts[here]), int(starts[here + 1]))
        codes = scored.status[rows].tolist()
        parts = []
        has_score = [code in (SCORED, FLIPPED) for code in codes]
        if any(has_score):
            columns = values[rows].T.tolist()
            for key, column in zip(keys, columns, strict=True):
                pairs = zip(column, has_score, strict=True)
                texts = [f"{value:.6g}" if there else _MISSING for value, there in pairs]
                parts.append(f"{key}={','.join(texts)}")
        if any(code != SCORED for code in codes):
            parts.append(f"{status_key}={','.join(STATUSES[code] for code in codes)}")
        found[here] = ";".join(parts).encode()
    return found


def _interleave(scores: Scores) -> NDArray[np.float32]:
    """Put the values in the order of the fields: (n, names * kinds)."""
    kinds = [scores.reference, scores.alternative, scores.difference]
    if scores.spread is not None:
        kinds.append(scores.spread)
    return np.stack(kinds, axis=2).reshape(len(scores.reference), -1)
