"""What a file of variants came to: counts, how large the effects are, which are the largest."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from bioseq_dl.io.vcf.survey import VcfSurvey
from bioseq_dl.variants.alleles import CLASSES, STATUSES
from bioseq_dl.variants.differences import Effects, describe_scores
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
        self._effects = Effects(names)

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
        self._effects.add(
            scored.scores.difference[rows],
            lambda at, place: self._describe(scored, int(rows[at]), place),
        )

    def _describe(self, scored: ScoredChunk, row: int, place: int) -> dict[str, Any]:
        chunk, alleles = scored.chunk, scored.alleles
        record = int(alleles.record[row])
        return {
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
            **describe_scores(scored.scores, row, place),
        }

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
            **self._effects.summarise(),
        }


def describe_survey(survey: VcfSurvey) -> dict[str, Any]:
    """Give what the survey of the whole file found, ready for JSON."""
    return {
        "sorted": survey.is_sorted,
        "first_unsorted_line": survey.first_unsorted,
        "max_position": survey.max_position,
        "chunks": len(survey.chunks),
    }
