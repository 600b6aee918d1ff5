"""Pydantic's errors in one line a user can act on."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from bioseq_dl.config.base import Section
from bioseq_dl.errors import InputError


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
    # The discriminator's value stands in the path of a union's member; it is no key.
    members = ("fasta", "table", "bed", "narrowpeak", "vcf", "mutations")
    keys = [str(part) for part in first["loc"] if part not in members]
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
        tags = _tags(root, first["loc"])
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
    found = _sections(_find_annotation(root, path))
    return list(found[0].model_fields) if found else []


def _tags(root: type[Section], path: tuple[int | str, ...]) -> list[str]:
    """Give the formats that the union at a path has."""
    sections = _sections(_find_annotation(root, path))
    kinds = [
        getattr(section.model_fields.get("format"), "annotation", None) for section in sections
    ]
    return [tag for kind in kinds for tag in get_args(kind)]


def _find_annotation(root: type[Section], path: tuple[int | str, ...]) -> Any:
    annotation: Any = root
    for part in path:
        if isinstance(annotation, type) and issubclass(annotation, Section):
            if part not in annotation.model_fields:
                return None
            annotation = annotation.model_fields[str(part)].annotation
        else:
            annotation = _step_into(annotation, part)
    return annotation


def _step_into(annotation: Any, part: int | str) -> Any:
    inner = get_args(annotation)
    if get_origin(annotation) is dict:
        return inner[1]
    tagged = [
        section
        for section in _sections(annotation)
        if part in get_args(getattr(section.model_fields.get("format"), "annotation", None))
    ]
    if tagged:
        return tagged[0]
    return inner[0] if get_origin(annotation) is tuple else annotation


def _sections(annotation: Any) -> list[type[Section]]:
    if isinstance(annotation, type) and issubclass(annotation, Section):
        return [annotation]
    return [section for part in get_args(annotation) for section in _sections(part)]
