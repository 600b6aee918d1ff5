"""What ``bioseq-dl variants`` scores: an entry of a config, or one made of options."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bioseq_dl.cli.common import read_run
from bioseq_dl.config import MutationTable, VcfVariants
from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    from bioseq_dl.io.manifest import Fetched

Entry = TypeVar("Entry", VcfVariants, MutationTable)

_VCF_KEYS = ("mismatch", "prefix", "precision")
_TABLE_KEYS = ("column", "id_column", "first")
_SHARED_KEYS = ("scale", "targets", "max_unknown_fraction")


def read_entry(
    arguments: argparse.Namespace,
) -> tuple[VcfVariants | MutationTable, dict[str, Fetched]]:
    """Give what is scored, and its files as ``source`` and ``genome`` or ``wild_type``.

    Raises
    ------
    InputError
        Where the options of the three ways are mixed, one is missing, or a file is.
    """
    ways = [arguments.config, arguments.vcf, arguments.mutations]
    if sum(way is not None for way in ways) != 1:
        raise InputError("give one of --config, --vcf and --mutations")
    if arguments.config is not None:
        return _read_from_config(arguments)
    if arguments.vcf is not None:
        _refuse_options(
            arguments, ("run_name", "name", "sources", "wild_type", *_TABLE_KEYS), "--vcf"
        )
        return _make_entry(
            VcfVariants, arguments, "vcf", arguments.vcf, "genome", ("window", *_VCF_KEYS)
        )
    others = ("run_name", "name", "sources", "genome", "window", *_VCF_KEYS)
    _refuse_options(arguments, others, "--mutations")
    return _make_entry(
        MutationTable, arguments, "mutations", arguments.mutations, "wild_type", _TABLE_KEYS
    )


def _read_from_config(
    arguments: argparse.Namespace,
) -> tuple[VcfVariants | MutationTable, dict[str, Fetched]]:
    from bioseq_dl.io.manifest import find_file, read_manifest

    given = ("genome", "window", "wild_type", *_VCF_KEYS, *_TABLE_KEYS, *_SHARED_KEYS)
    _refuse_options(arguments, given, "--config")
    if arguments.sources is None:
        raise InputError("with --config, give --sources")
    variants = read_run(arguments).variants
    if arguments.name not in variants:
        raise InputError(
            "the run has no such variants" if arguments.name else "with --config, give --name",
            found=arguments.name,
            allowed=", ".join(variants) or "none: the run has no section variants",
        )
    entry = variants[arguments.name]
    files = read_manifest(arguments.sources)
    other = "genome" if isinstance(entry, VcfVariants) else "wild_type"
    return entry, {
        "source": find_file(entry.source, files),
        other: find_file(getattr(entry, other), files),
    }


def _make_entry(
    kind: type[Entry],
    arguments: argparse.Namespace,
    form: str,
    source: Path,
    other: str,
    keys: tuple[str, ...],
) -> tuple[Entry, dict[str, Fetched]]:
    """Fill the config's section from options, so that its defaults hold here as well."""
    from pydantic import ValidationError

    second: Path | None = getattr(arguments, other)
    if second is None:
        raise InputError(f"with --{form}, give --{other.replace('_', '-')}")
    given = {key: getattr(arguments, key) for key in (*keys, *_SHARED_KEYS)}
    data = {key: value for key, value in given.items() if value is not None}
    data |= {"format": form, "source": {"path": str(source)}, other: {"path": str(second)}}
    try:
        entry = kind.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        option = "--" + str(first["loc"][0]).replace("_", "-")
        raise InputError(f"{option}: {first['msg']}", found=first["input"]) from None
    return entry, {"source": _describe_file(source), other: _describe_file(second)}


def _describe_file(path: Path) -> Fetched:
    from bioseq_dl.io.handles import read_magic
    from bioseq_dl.io.manifest import Fetched, hash_file

    read_magic(path)  # says what is wrong with a file that is missing or empty
    return Fetched(str(path), hash_file(path), path.stat().st_size)


def _refuse_options(arguments: argparse.Namespace, names: tuple[str, ...], way: str) -> None:
    for name in names:
        if getattr(arguments, name) is not None:
            option = "--" + name.removesuffix("_name").replace("_", "-")
            raise InputError(f"{option} does not go with {way}")
