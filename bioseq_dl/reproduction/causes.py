"""What may explain that two results differ: what was recorded of how they were made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bioseq_dl.archive.contents import SHARED, Result, collect_provenance, list_files
from bioseq_dl.archive.export import find_sources
from bioseq_dl.config.sources import list_sources
from bioseq_dl.errors import InputError
from bioseq_dl.io.json_files import read_record
from bioseq_dl.io.manifest import hash_file, source_key
from bioseq_dl.reproduction.values import flatten

_SHOWN = 5
"""Files that are named."""
_TRAINED = ("device", "devices", "threads", "precision")


@dataclass(frozen=True)
class Cause:
    """Something that was not alike."""

    kind: str
    """``config``, ``data``, ``version``, ``code``, ``hardware``, ``training``, or ``record`` where
    one of the two does not tell."""
    what: str
    """Which setting, file, package …"""
    first: str
    """What it was in the original."""
    second: str
    """What it is in the other."""


def find_causes(first: Result, second: Result) -> list[Cause]:
    """Give everything recorded that was not alike, sorted; wall time and memory do not count."""
    found = list(_compare("config", _settings(first), _settings(second)))
    found += _compare("data", _inputs(first), _inputs(second))
    made = [_collect(result) for result in (first, second)]
    found += _tell_unrecorded(*made)
    for name in sorted(made[0].keys() & made[1].keys()):
        one, two = made[0][name], made[1][name]
        found += _compare("version", one["versions"] or {}, two["versions"] or {})
        found += _compare(
            "code", {"git commit": one["git_commit"]}, {"git commit": two["git_commit"]}
        )
        found += _compare("hardware", one["hardware"] or {}, two["hardware"] or {})
    for path in list_files(first).values():
        if path.name != "train.json" or not path.is_relative_to(first.folder):
            continue
        twin = second.folder / path.relative_to(first.folder)
        if twin.is_file():
            one, two = read_record(path), read_record(twin)
            pick = ({key: each.get(key) for key in _TRAINED} for each in (one, two))
            found += _compare("training", *pick)
    return sorted(set(found), key=lambda cause: (cause.kind, cause.what, cause.first))


def check_inputs(result: Result, inputs: Path) -> list[Cause]:
    """Give the local inputs of a run that are not what they were when it read them.

    Parameters
    ----------
    result : Result
    inputs : Path
        Folder that relative paths of its config count from.

    Raises
    ------
    InputError
        Where one is not there.
    """
    known = find_sources(result)
    found = []
    for source in list_sources(result.run):
        expected = known.get(source_key(source))
        if source.path is None or expected is None:
            continue
        path = inputs / source.path
        if not path.is_file():
            raise InputError(
                "no such input",
                file=path,
                fix="give --inputs: the folder that relative paths of the config count from",
            )
        now = hash_file(path)
        if now != expected.sha256:
            found.append(Cause("data", source.path, expected.sha256, now))
    return sorted(set(found), key=lambda cause: cause.what)


def _settings(result: Result) -> dict[str, Any]:
    flat = flatten(result.run.model_dump(mode="json"))
    # Where a file stands does not matter; its content is compared as data.
    return {name: value for name, value in flat.items() if not name.endswith("source.path")}


def _inputs(result: Result) -> dict[str, Any]:
    known = find_sources(result)
    found: dict[str, str] = {}
    for source in list_sources(result.run):
        if (item := known.get(source_key(source))) is not None:
            # Where a file stands does not matter, so several may have one name.
            place = source.url or source.package or Path(source.path or "").name
            name = f"{place} ({source.member})" if source.member else place
            found[name] = f"{found[name]}, {item.sha256}" if name in found else item.sha256
    return found


def _collect(result: Result) -> dict[str, dict[str, Any]]:
    """Give how each step was made by its file, less the run's name and digests of its config."""
    found = {}
    for name, told in collect_provenance(list_files(result)).items():
        parts = [
            part
            for place, part in enumerate(Path(name).parts)
            if not SHARED.fullmatch(part) and not (place == 1 and part == result.name)
        ]
        found["/".join(parts)] = told
    return found


def _tell_unrecorded(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Cause]:
    """Give what is recorded of one alone: whether that was alike is not known."""
    if not one and not two:
        return [Cause("record", "how the steps were made", "not there", "not there")]
    alone = [sorted(each.keys() - other.keys()) for each, other in ((one, two), (two, one))]
    if not any(alone):
        return []
    told = [f"{', '.join(names[:_SHOWN])}{', …' * (len(names) > _SHOWN)}" for names in alone]
    return [Cause("record", "told of one alone, by", *(each or "none" for each in told))]


def _compare(kind: str, one: Mapping[str, Any], two: Mapping[str, Any]) -> list[Cause]:
    absent = "not there"
    return [
        Cause(kind, name, str(one.get(name, absent)), str(two.get(name, absent)))
        for name in sorted(one.keys() | two.keys())
        if one.get(name, absent) != two.get(name, absent)
    ]
