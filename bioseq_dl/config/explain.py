"""Pydantic's errors in one line a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from bioseq_dl.config.base import Section
from bioseq_dl.errors import InputError

_TAGS = ("task", "format")
"""Keys that tell the members of a union apart."""


def explain(error: ValidationError, root: type[Section], file: str | Path | None) -> InputError:
    """Turn pydantic's error into one line: the first bad key, found, allowed.

    Parameters
    ----------
    error : ValidationError
        What `root` raised.
    root : type of Section
        The model of the whole file.
    file : path, optional
        The config file.
    """
    found_all = error.errors(include_url=False)
    places = [problem["loc"] for problem in found_all]
    # A bad item also makes its list "too short": not a fault of its own.
    problems = [
        problem
        for problem in found_all
        if problem["type"] != "too_short"
        or not any(place[:-1][: len(problem["loc"])] == problem["loc"] for place in places)
    ]
    first = problems[0]
    annotation, keys = _walk(root, first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    message = message[:1].lower() + message[1:]
    found = None if isinstance(first["input"], dict | list | tuple) else first["input"]
    allowed = fix = None
    if first["type"] == "extra_forbidden":
        known = _known_keys(root, first["loc"][:-1])
        message, found, allowed = "unknown key", None, ", ".join(known)
        fix = _suggest(keys[-1], known)
    elif first["type"].startswith("union_tag"):
        keys.append(first["ctx"]["discriminator"].strip("'"))
        message, found = "a key is missing", first["ctx"].get("tag")
        tags = _tags(annotation, keys[-1])
        allowed = ", ".join(tags)
        if found is not None:
            message, fix = "unknown value", _suggest(found, tags)
    elif first["type"] == "too_short":
        message = f"give {first['ctx']['min_length']} or more"
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return InputError(
        message + more,
        file=file,
        position=f"key {'.'.join(keys)}" if keys else None,
        found=found,
        allowed=allowed,
        fix=fix,
    )


def _suggest(word: str, known: Sequence[str]) -> str | None:
    near = get_close_matches(word, known, n=1)
    return f"did you mean {near[0]}?" if near else None


def _known_keys(root: type[Section], path: tuple[int | str, ...]) -> list[str]:
    """Give the keys that the section at a path has."""
    found = _sections(_walk(root, path)[0])
    return list(found[0].model_fields) if found else []


def _tags(annotation: Any, key: str) -> list[str]:
    """Give the values of a union's discriminator."""
    return [tag for section in _sections(annotation) for tag in _values(section, key)]


def _values(section: type[Section], key: str) -> tuple[Any, ...]:
    return get_args(getattr(section.model_fields.get(key), "annotation", None))


def _walk(root: type[Section], path: tuple[int | str, ...]) -> tuple[Any, list[str]]:
    """Follow a path through the models: what stands there, and the keys a user wrote.

    The discriminator's value stands in the path of a union's member; it is no key.
    """
    annotation: Any = root
    keys: list[str] = []
    for part in path:
        sections = _sections(annotation)
        inner = get_args(annotation)
        if get_origin(annotation) in (dict, tuple) and inner:
            annotation = inner[1] if get_origin(annotation) is dict else inner[0]
        elif member := _find_member(sections, part):
            annotation = member
            continue
        elif len(sections) == 1 and part in sections[0].model_fields:
            annotation = sections[0].model_fields[str(part)].annotation
        else:
            annotation = None
        keys.append(str(part))
    return annotation, keys


def _find_member(sections: list[type[Section]], part: int | str) -> type[Section] | None:
    if len(sections) < 2:
        return None
    return next((found for found in sections for key in _TAGS if part in _values(found, key)), None)


def _sections(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
