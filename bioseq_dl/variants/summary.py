"""What a file of variants came to: counts, how large the effects are, which are the largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.io.vcf.survey import VcfSurvey
from bioseq_dl.variants.alleles import CLASSES, STATUSES
from bioseq_dl.variants.differences import (
    TOP,
    describe_bins,
    make_edges,
    rank_top,
    round_number,
)
from bioseq_dl.variants.scored import ScoredChunk


class Tally:
    """Counts over chunks.

    Parameters
    ----------
    names : sequence of str
        Of the outputs.
    contigs : sequence of str
        Of the survey.
    """

    def __init__(self, names: Sequence[str], contigs: Sequence[str]) -> None:
        self._names, self._contigs = tuple(names), tuple(contigs)
        self._records = self._alleles = 0
        self._classes = np.zeros(len(CLASSES), np.int64)
        self._statuses = np.zeros(len(STATUSES), np.int64)
        self._of_contig = np.zeros((len(contigs), len(STATUSES)), np.int64)
        self._edges = np.array(make_edges())
        self._bins = np.zeros((len(names), len(self._edges) - 1), np.int64)
        self._least = np.full(len(names), np.inf)
        self._most = np.full(len(names), -np.inf)
        self._signs = np.zeros((len(names), 2), np.int64)
        self._top: list[dict[str, Any]] = []

    def add(self, scored: ScoredChunk) -> None:
        """Count a chunk."""
        alleles, chunk = scored.alleles, scored.chunk
        self._records += len(chunk.lines)
        self._alleles += len(alleles)
        kinds = alleles.kind[alleles.kind >= 0]
        self._classes += np.bincount(kinds, minlength=len(CLASSES))
        self._statuses += np.bincount(scored.status, minlength=len(STATUSES))
        key = chunk.chrom[alleles.record].astype(np.int64) * len(STATUSES) + scored.status
        self._of_contig += np.bincount(key, minlength=self._of_contig.size).reshape(
            self._of_contig.shape
        )
        rows = np.flatnonzero(scored.has_score)
        difference = scored.scores.difference[rows]
        for place in range(len(self._names)):
            column = difference[:, place]
            column = column[np.isfinite(column)]
            if not column.size:
                continue
            bins = np.searchsorted(self._edges, column, side="right") - 1
            bins = np.clip(bins, 0, len(self._edges) - 2)
            self._bins[place] += np.bincount(bins, minlength=len(self._edges) - 1)
            self._least[place] = min(self._least[place], column.min())
            self._most[place] = max(self._most[place], column.max())
            self._signs[place] += [np.count_nonzero(column < 0), np.count_nonzero(column > 0)]
        self._add_top(scored, rows, difference)

    def _add_top(
        self, scored: ScoredChunk, rows: NDArray[np.int64], difference: NDArray[np.float32]
    ) -> None:
        if not rows.size:
            return
        sizes = np.nan_to_num(np.abs(difference), nan=-1.0, posinf=-1.0)
        best = sizes.max(axis=1)
        chosen = np.argsort(-best, kind="stable")[:TOP]
        least = abs(self._top[-1]["diff"]) if len(self._top) == TOP else 0.0
        for at in chosen.tolist():
            # Rounding may make two equal that are not; it never turns them around.
            if round_number(float(best[at])) < least or best[at] < 0:
                break
            self._top.append(self._describe(scored, int(rows[at]), int(sizes[at].argmax())))
        self._top = rank_top(self._top)

    def _describe(self, scored: ScoredChunk, row: int, place: int) -> dict[str, Any]:
        chunk, alleles, scores = scored.chunk, scored.alleles, scored.scores
        record = int(alleles.record[row])
        found = {
            "record": record + chunk.first_record,
            "allele": int(alleles.number[row]),
            "chrom": self._contigs[chunk.chrom[record]],
            "start": int(chunk.start[record]),
            "id": chunk.lines[record].split(b"\t", 3)[2].decode(errors="replace"),
            "ref": alleles.ref[row].decode(),
            "alt": alleles.alt[row].decode(),
            "class": CLASSES[alleles.kind[row]],
            "status": STATUSES[scored.status[row]],
            "target": self._names[place],
            "ref_score": round_number(float(scores.reference[row, place])),
            "alt_score": round_number(float(scores.alternative[row, place])),
            "diff": round_number(float(scores.difference[row, place])),
        }
        if scores.spread is not None:
            found["sd"] = round_number(float(scores.spread[row, place]))
        return found

    def summarise(self) -> dict[str, Any]:
        """Give the counts, ready for JSON; keys as `parts.merge_summaries` describes."""
        unscored = self._of_contig[:, STATUSES.index("no_contig")]
        return {
            "records": self._records,
            "alleles": self._alleles,
            "classes": dict(zip(CLASSES, self._classes.tolist(), strict=True)),
            "statuses": dict(zip(STATUSES, self._statuses.tolist(), strict=True)),
            "contigs": {
                name: int(count)
                for name, count in zip(self._contigs, self._of_contig.sum(axis=1), strict=True)
            },
            "contigs_missing": {
                name: int(count)
                for name, count in zip(self._contigs, unscored, strict=True)
                if count
            },
            "differences": {
                "edges": self._edges.tolist(),
                "targets": {
                    name: describe_bins(
                        self._bins[place].tolist(),
                        self._signs[place].tolist(),
                        float(self._least[place]),
                        float(self._most[place]),
                    )
                    for place, name in enumerate(self._names)
                },
            },
            "top": self._top,
        }


def describe_survey(survey: VcfSurvey) -> dict[str, Any]:
    """Give what the survey of the whole file found, ready for JSON."""
    return {
        "sorted": survey.is_sorted,
        "first_unsorted_line": survey.first_unsorted,
        "max_position": survey.max_position,
        "chunks": len(survey.chunks),
    }
