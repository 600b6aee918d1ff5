"""The one error a user can mend, and how it reads.

Every message is one line: where it is, what was found, what is allowed, how to
mend it. The command line prints it without a traceback and exits with 2.
"""

from __future__ import annotations

from pathlib import Path


class InputError(Exception):
    """Something the user gave cannot be used.

    Parameters
    ----------
    problem : str
        What is wrong, in words, without a full stop.
    file : path, optional
        The file it stands in.
    record : str, optional
        The record's id (or row) in that file.
    position : int or str, optional
        Where in the record: an int is a 1-based line or letter number; text
        says it all (``"column label"``).
    found : object, optional
        What stands there; shown shortened.
    allowed : str, optional
        What may stand there.
    fix : str, optional
        What the user can do about it.

    Attributes
    ----------
    problem, found
        As given, for who counts errors by their kind.
    """

    def __init__(
        self,
        problem: str,
        *,
        file: str | Path | None = None,
        record: str | None = None,
        position: int | str | None = None,
        found: object = None,
        allowed: str | None = None,
        fix: str | None = None,
    ) -> None:
        place = [str(file)] if file is not None else []
        if record is not None:
            place.append(f"record {_shorten(record)!r}")
        if position is not None:
            place.append(f"position {position}" if isinstance(position, int) else position)
        text = f"{', '.join(place)}: {problem}" if place else problem
        if found is not None:
            text += f"; found {_shorten(found)!r}"
        if allowed is not None:
            text += f"; allowed: {allowed}"
        if fix is not None:
            text += f"; fix: {fix}"
        super().__init__(" ".join(text.split()))
        self.problem = problem
        self.found = found


class ProcessLost(Exception):  # noqa: N818  (says what happened)
    """A process that trained with others ended before its time; the others were ended too."""


def _shorten(value: object, limit: int = 60) -> str:
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
