"""Answer as `conda` does, with py-rattler: the calls that Snakemake makes, and no others.

For machines without conda. Channels are folders below the address CONDA_CHANNEL_ALIAS, which the
real one reads too; packages are unpacked into CONDA_PKGS_DIRS and linked from there.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml
from rattler import ChannelPriority, MatchSpec, VirtualPackage, install, solve
from rattler.platform import Platform

VERSION = "24.11.0"
PREFIX = Path(os.environ["CONDA_STANDIN_PREFIX"])
"""Where bin/activate stands."""


async def create_env(file: Path, prefix: Path) -> None:
    """Solve an env file and install it; then what it asks of pip, by the env's own pip."""
    env = yaml.safe_load(file.read_text(encoding="utf-8"))
    lines = env["dependencies"]
    specs = [MatchSpec(line) for line in lines if isinstance(line, str)]
    alias = os.environ["CONDA_CHANNEL_ALIAS"].rstrip("/")
    records = await solve(
        sources=[f"{alias}/{name}" for name in env["channels"] if name != "nodefaults"],
        specs=specs,
        platforms=[str(Platform.current()), "noarch"],
        virtual_packages=VirtualPackage.detect(),
        channel_priority=ChannelPriority.Strict,
    )
    cache = os.environ["CONDA_PKGS_DIRS"]
    await install(records=records, target_prefix=prefix, cache_dir=cache, show_progress=False)
    (prefix / "conda-meta" / "history").touch()  # what tells conda that a folder is an env
    of_pip = [word for line in lines if isinstance(line, dict) for word in line["pip"]]
    if of_pip:
        python = prefix / "bin" / "python"
        words = [word.replace(" ", "") for word in of_pip]
        subprocess.run([python, "-m", "pip", "install", "--no-input", *words], check=True)


def create(words: list[str]) -> None:
    """``conda env create``."""
    parser = argparse.ArgumentParser(prog="conda env create")
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--prefix", type=Path, required=True)
    for flag in ("--quiet", "--no-default-packages"):
        parser.add_argument(flag, action="store_true")
    arguments = parser.parse_args(words)
    asyncio.run(create_env(arguments.file, arguments.prefix))


def show_info(_: list[str]) -> None:
    """``conda info --json``."""
    print(json.dumps({"conda_prefix": str(PREFIX), "platform": str(Platform.current())}))


def show_config(_: list[str]) -> None:
    """``conda config --get channel_priority --json``."""
    print(json.dumps({"get": {"channel_priority": "strict"}, "success": True}))


CALLS: dict[tuple[str, ...], Callable[[list[str]], None]] = {
    ("--version",): lambda _: print(f"conda {VERSION}"),
    ("info", "--json"): show_info,
    ("config", "--get", "channel_priority", "--json"): show_config,
    ("clean", "-y", "--tarballs"): lambda _: None,
    ("env", "create"): create,
}


def main(words: list[str]) -> int:
    """Answer one call."""
    for start, answer in CALLS.items():
        if tuple(words[: len(start)]) == start:
            try:
                answer(words[len(start) :])
            except Exception as error:  # noqa: BLE001 (conda's own: any failure is a line)
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
                return 1
            return 0
    print(f"the stand-in for conda does not know: {' '.join(words)}", file=sys.stderr)
    return 2


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # py-rattler 0.28 can crash when the interpreter ends
