"""Mutations of a sequence, written like ``A24G``: read, held against the wild type, applied.

Read are the ways of writing of HGVS (https://hgvs-nomenclature.org, version 21) that name a change
of one sequence by its place in it, and the short forms of the field:

- ``A24G``, ``Ala24Gly``, ``24A>G``: a substitution; ``W24*``, ``Trp24Ter``: by a stop;
- ``A24=``, ``A24A``: the letter stays;
- ``A24del``, ``A24-``, ``A24_C26del``, ``24_26del``: a deletion;
- ``A24_C25insTT``, ``24_25insTT``: an insertion between neighbours;
- ``A24dup``, ``A24_C26dup``: once more behind;
- ``A24delinsTT``, ``A24_C26delinsTT``: something else instead.

Several are parted by a comma, ``;``, ``+``, ``:``, ``/`` or space. Around them may stand a
reference (``NM_1.1:``), a prefix (``p.``, ``c.``, ``n.``, ``g.``, ``m.``, ``r.``), brackets or
parentheses. The wild type itself is ``=``, ``WT``, ``_wt`` or nothing. All places count on the
wild type, so their order does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from bioseq_dl.errors import InputError
from bioseq_dl.io.residues import LETTERS, Letters, read_letters

WRONG_LETTER = "not the wild type's letter"
OUT_OF_RANGE = "outside the wild type"
BAD_LETTER = "letter outside the alphabet"
SAME_PLACE = "a place is changed twice"
UNREADABLE = "not a mutation"
OTHER_LENGTH = "of another length than the wild type"

_WILD = {"", "=", "WT", "_WT", "WILDTYPE", "WILD-TYPE", "WILD TYPE"}
_REFERENCE = re.compile(r"^[^\s:]+:(?=[pcngmr]\.)")
_PREFIX = re.compile(r"^[pcngmr]\.")
_PART = re.compile(r"[,;+:/\s]+")
_NUMBER = r"-?\d{1,9}"
_EXAMPLES = "A24G, 24A>G, A24del, A24_C26del, A24_C25insTT, A24="


def _compile(letter: str, letters: str) -> tuple[re.Pattern[str], ...]:
    return (
        re.compile(
            rf"(?P<ref>{letter})?(?P<first>{_NUMBER})(?:_(?P<ref2>{letter})?(?P<last>{_NUMBER}))?"
            rf"(?P<kind>delins|del|ins|dup|=)(?P<alt>{letters})"
        ),
        re.compile(rf"(?P<ref>{letter})(?P<first>{_NUMBER})(?P<alt>{letter}|-)"),
        re.compile(rf"(?P<first>{_NUMBER})(?P<ref>{letter})>(?P<alt>{letter})"),
    )


# Letters are any here, so that a bad one is told from a text of another form.
_PROTEIN = _compile("[A-Za-z]{3}|[A-Za-z*]", "[A-Za-z*]*")
_NUCLEOTIDE = _compile("[A-Za-z*]", "[A-Za-z*]*")


class Mutation(NamedTuple):
    """Letters of the wild type that others stand for.

    Parameters
    ----------
    start, end : int
        0-based half-open in the wild type; equal for an insertion before `start`.
    letters : str
        What stands there instead, upper case, with T for U in DNA and U for T in RNA; empty
        for a deletion.
    """

    start: int
    end: int
    letters: str


class Fault(NamedTuple):
    """Why a text names no mutations of the wild type.

    Parameters
    ----------
    reason : str
        One of few, to be counted.
    found : str
        What stands there.
    allowed : str, optional
        What may stand there.
    """

    reason: str
    found: str
    allowed: str | None = None


def parse_mutations(
    text: str, wild_type: str, first: int = 1, alphabet: Letters = "dna"
) -> tuple[Mutation, ...]:
    """Read mutations and hold them against the wild type.

    Parameters
    ----------
    text : str
        As the module says.
    wild_type : str
        Upper case.
    first : int
        Number of the wild type's first letter; may be negative. Numbers run on through 0.
    alphabet : {"dna", "rna", "protein"}
        What letters may be written. In RNA T is read as U.

    Returns
    -------
    tuple of Mutation
        By place; empty for the wild type itself.

    Raises
    ------
    InputError
        Where a part is no mutation, names another letter than the wild type has, lies outside
        it, writes a letter outside the alphabet, or changes what another part changes.
    """
    found = find_mutations(text, wild_type, first, alphabet)
    if isinstance(found, Fault):
        raise InputError(
            found.reason,
            record=text,
            found=found.found,
            allowed=found.allowed,
            fix="check the number of the first letter" if found.reason == WRONG_LETTER else None,
        )
    return found


def find_mutations(
    text: str, wild_type: str, first: int = 1, alphabet: Letters = "dna"
) -> tuple[Mutation, ...] | Fault:
    """Read mutations as `parse_mutations` does, but give the fault instead of raising it."""
    changes: list[Mutation] = []
    for part in _split(text):
        found = _read_part(part, wild_type, first, alphabet)
        if isinstance(found, Fault):
            return found if part else Fault(UNREADABLE, text.strip(), _EXAMPLES)
        changes.append(found)
    changes.sort()
    for one, other in pairwise(changes):
        # Two insertions at one place have no order; one beside a deletion is clear.
        if other.start < one.end or one.start == one.end == other.start == other.end:
            return Fault(SAME_PLACE, f"{text.strip()} (place {other.start + first})")
    return tuple(change for change in changes if not _is_silent(change, wild_type))


def apply_mutations(wild_type: str, mutations: Iterable[Mutation]) -> str:
    """Give the mutated sequence.

    Parameters
    ----------
    wild_type : str
    mutations : iterable of Mutation
        As `parse_mutations` gives: by place, none over another.
    """
    pieces: list[str] = []
    done = 0
    for start, end, letters in mutations:
        pieces += [wild_type[done:start], letters]
        done = end
    return "".join([*pieces, wild_type[done:]])


def name_mutations(mutations: Sequence[Mutation], wild_type: str, first: int = 1) -> str:
    """Write mutations in one way: ``A24G``, ``A24_C26del``, ``A24_C25insTT``, comma between.

    The wild type itself is ``=``.
    """
    return ",".join(_name(mutation, wild_type, first) for mutation in mutations) or "="


def suggest_first(texts: Iterable[str], wild_type: str, alphabet: Letters = "dna") -> int | None:
    """Find the number of the first letter under which all these texts fit the wild type.

    Returns
    -------
    int or None
        None where there is none, or several: few texts fit in many places.
    """
    named: set[tuple[int, str]] = set()
    for text in texts:
        for match in filter(None, (_match(part, alphabet) for part in _split(text))):
            letter = read_letters(match["ref"] or "", alphabet)
            if letter:
                named.add((int(match["first"]), letter))
    if not named:
        return None
    low, high = min(named)[0], max(named)[0]
    fits = [
        first
        for first in range(high - len(wild_type) + 1, low + 1)
        if all(wild_type[place - first] == letter for place, letter in named)
    ]
    return fits[0] if len(fits) == 1 else None


def _split(text: str) -> list[str]:
    text = text.strip()
    if text.upper() in _WILD:
        return []
    text = _PREFIX.sub("", _REFERENCE.sub("", text))
    for opening, closing in ("[]", "()"):
        if text.startswith(opening) and text.endswith(closing):
            text = text[1:-1]
    if text.upper() in _WILD:
        return []
    return [_PREFIX.sub("", part) for part in _PART.split(text)]


def _match(part: str, alphabet: Letters) -> re.Match[str] | None:
    patterns = _PROTEIN if alphabet == "protein" else _NUCLEOTIDE
    return next(filter(None, (pattern.fullmatch(part) for pattern in patterns)), None)


@lru_cache(maxsize=1 << 16)  # a table of combinations names each mutation many times
def _read_part(part: str, wild_type: str, first: int, alphabet: Letters) -> Mutation | Fault:
    match = _match(part, alphabet)
    if match is None:
        return Fault(UNREADABLE, part, _EXAMPLES)
    groups = match.groupdict()
    start = int(groups["first"]) - first
    last = int(groups["last"]) - first if groups.get("last") else start
    if not 0 <= start <= last < len(wild_type):
        return Fault(OUT_OF_RANGE, part, f"{first} to {first + len(wild_type) - 1}")
    for place, text in ((start, groups["ref"]), (last, groups.get("ref2"))):
        if text is None:
            continue
        letter = read_letters(text, alphabet)
        if letter is None:
            return _bad_letter(part, text, alphabet)
        if letter != wild_type[place]:
            return Fault(WRONG_LETTER, part, f"{wild_type[place]} at {place + first}")
    text = groups["alt"].removeprefix("-")
    kind = groups.get("kind") or ("delins" if text else "del")
    letters = read_letters(text, alphabet)
    if letters is None:
        return _bad_letter(part, text, alphabet)
    return _read_change(part, kind, letters, start, last, wild_type)


def _read_change(
    part: str, kind: str, letters: str, start: int, last: int, wild_type: str
) -> Mutation | Fault:
    there = wild_type[start : last + 1]
    if kind in ("=", "del", "dup"):
        # HGVS once repeated what is deleted or doubled.
        if letters and (kind == "=" or letters != there):
            return Fault(WRONG_LETTER, part, f"{there} at this place")
        if kind == "dup":
            return Mutation(last + 1, last + 1, there)
        return Mutation(start, last + 1, there if kind == "=" else "")
    if not letters:
        return Fault(UNREADABLE, part, "letters behind ins")
    if kind == "delins":
        return Mutation(start, last + 1, letters)
    if last != start + 1:
        return Fault(UNREADABLE, part, "an insertion between two neighbours: A24_C25insTT")
    return Mutation(last, last, letters)


def _is_silent(change: Mutation, wild_type: str) -> bool:
    return change.letters == wild_type[change.start : change.end]


def _bad_letter(part: str, text: str, alphabet: Letters) -> Fault:
    return Fault(BAD_LETTER, f"{text} in {part}" if text != part else part, LETTERS[alphabet])


def _name(mutation: Mutation, wild_type: str, first: int) -> str:
    start, end, letters = mutation
    if start == end:
        if start in (0, len(wild_type)):  # no neighbour on one side
            start, end = (0, 1) if start == 0 else (start - 1, start)
            there = wild_type[start]
            letters, kind = (letters + there if mutation.start == 0 else there + letters), "delins"
        else:
            start, end, kind = start - 1, start + 1, "ins"
    elif not letters:
        kind = "del"
    else:
        kind = "" if end - start == len(letters) == 1 else "delins"
    place = f"{wild_type[start]}{start + first}"
    if end - start > 1:
        place += f"_{wild_type[end - 1]}{end - 1 + first}"
    return f"{place}{kind}{letters}"
