"""Contig names of a file and of a genome: ``chr20`` and ``20``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ContigNames:
    """What a file's contigs are called in the genome.

    Parameters
    ----------
    places : mapping
        A name of the file: the contig's place in the genome, -1 where it is not there.
    renamed : mapping
        A name of the file: the genome's other name for it.
    clashes : mapping
        A name of the file that the genome lacks: the other one, which the file uses as well,
        so that the two may not mean one contig. Their place is -1.
    """

    places: Mapping[str, int]
    renamed: Mapping[str, str]
    clashes: Mapping[str, str]

    @property
    def notes(self) -> list[str]:
        """Say what was read under another name."""
        if not self.renamed:
            return []
        pairs = ", ".join(f"{name} as {other}" for name, other in self.renamed.items())
        return [f"contigs read under the genome's names: {pairs}"]


def match_names(names: Iterable[str], genome: Collection[str]) -> ContigNames:
    """Find each name of a file among a genome's contigs.

    A name that the genome lacks is read with ``chr`` put in front or taken away where that
    name is there and the file does not use it too.

    Parameters
    ----------
    names : iterable of str
        The names that the file uses.
    genome : collection of str
        The genome's contigs, in its order.
    """
    known = {name: place for place, name in enumerate(genome)}
    used = dict.fromkeys(names)
    places: dict[str, int] = {}
    renamed: dict[str, str] = {}
    clashes: dict[str, str] = {}
    for name in used:
        other = name.removeprefix("chr") if name.startswith("chr") else f"chr{name}"
        places[name] = known.get(name, -1)
        if name in known or other not in known:
            continue
        if other in used:
            clashes[name] = other
        else:
            places[name] = known[other]
            renamed[name] = other
    return ContigNames(places, renamed, clashes)
