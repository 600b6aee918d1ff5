"""A place to run the workflow with ``--sdm conda``: made once, kept in a cache.

In it are wheels of what the env files name, at the versions of the lock file; conda channels made
of these; an environment that holds Snakemake and nothing that a step needs; and a conda: the one on
PATH, or else the stand-in.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from env_files import INDEX_NAMES, REPOSITORY, read_envs

HERE = Path(__file__).parent
LOCK = REPOSITORY / "requirements.lock"
DAYS = 14
"""How long what is not used stays in the cache."""
OLDEST_CONDA = (24, 7, 1)
"""Snakemake asks for it."""
READY = "ready"
"""A file that stands in a folder of the cache once it is whole."""


@dataclass(frozen=True)
class Lab:
    """Where everything is."""

    launcher: Path
    """``bin`` of the environment that holds only Snakemake."""
    conda: Path
    """The folder of the conda that Snakemake calls."""
    channels: Path
    wheels: Path
    unpacked: Path
    """Packages as conda unpacks them; envs are links to their files."""
    prefix: Path
    """Where Snakemake puts the envs, and finds those of the last time."""

    def environment(self, scratch: Path) -> dict[str, str]:
        """Give the environment variables of a run, none of the tests' own among them."""
        kept = {name: os.environ[name] for name in ("HOME", "LANG") if name in os.environ}
        return kept | {
            "PATH": f"{self.launcher}:{self.conda}:/usr/bin:/bin",
            "XDG_CACHE_HOME": str(scratch),
            "CONDA_CHANNEL_ALIAS": self.channels.as_uri(),
            "CONDA_CHANNEL_PRIORITY": "strict",
            "CONDA_PKGS_DIRS": str(self.unpacked),
            "CONDA_STANDIN_PREFIX": str(self.conda.parent),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_FIND_LINKS": self.wheels.as_uri(),
            "PIP_NO_INDEX": "1",
        }

    def run(self, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run ``snakemake`` in a folder; stdout and stderr come back as one text."""
        return subprocess.run(
            [self.launcher / "snakemake", *words],
            cwd=cwd,
            env=self.environment(cwd / "cache"),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=1200,
            check=False,
        )

    def deploy(self, cwd: Path, *words: str) -> subprocess.CompletedProcess[str]:
        """Run it with each step in its env."""
        return self.run(cwd, *words, "--sdm", "conda", "--conda-prefix", str(self.prefix))


@dataclass(frozen=True)
class Finished:
    """A project whose workflow has run, each step in its env."""

    folder: Path
    done: subprocess.CompletedProcess[str]
    envs: dict[str, Path]
    """The env that Snakemake made of each file of ``envs/``, by step."""


def find_cache() -> Path:
    """Give the folder that the lab is kept in.

    Raises
    ------
    ValueError
        Where its path holds a space.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    usual = Path(home) / "bioseq_dl-test-envs"
    cache = Path(os.environ.get("BIOSEQ_DL_ENVS_CACHE") or usual).absolute()
    if " " in str(cache):
        # Snakemake runs `source <where conda is>/bin/activate`, without quotes.
        raise ValueError(f"no spaces, please (set BIOSEQ_DL_ENVS_CACHE): {cache}")
    return cache


def find_python(version: str) -> Path:
    """Give an interpreter of the version that the env files pin, such as '3.11'."""
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    found = shutil.which(f"python{version}")
    if found is None:
        raise FileNotFoundError(f"the env files pin Python {version}: no python{version} on PATH")
    return Path(found)


def find_conda() -> Path | None:
    """Give the folder of a conda on PATH that Snakemake can use, if there is one."""
    program = shutil.which("conda")
    if program is None:
        return None
    text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in re.findall(r"\d+", text)[:3])
    return Path(program).parent if version >= OLDEST_CONDA else None


def launch_requirements() -> list[str]:
    """Give what a machine needs to run Snakemake on this workflow, from pyproject.toml."""
    text = (REPOSITORY / "pyproject.toml").read_text(encoding="utf-8")
    project = tomllib.loads(text)["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["workflow"]]


def digest(*parts: str | Path) -> str:
    """Give a short digest of texts, and of the content of files."""
    told = [part.read_text(encoding="utf-8") if isinstance(part, Path) else part for part in parts]
    return hashlib.sha256("\0".join(told).encode()).hexdigest()[:10]


def call(*words: str | Path) -> None:
    """Run a command; where it fails, its output is part of the error."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if done.returncode != 0:
        told = " ".join(map(str, words))
        raise RuntimeError(f"{told}\nended with {done.returncode}:\n{done.stdout[-4000:]}")


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the cache for one process."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def keep(folder: Path, build: Callable[[Path], None]) -> Path:
    """Give a folder of the cache, built where it is not there or not whole."""
    if not (folder / READY).is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        build(folder)
    (folder / READY).touch()
    return folder


def prune(cache: Path) -> None:
    """Remove what was not used for some time, and packages that no channel holds."""
    oldest = time.time() - DAYS * 86_400
    for ready in cache.glob(f"*/{READY}"):
        if ready.stat().st_mtime < oldest:
            shutil.rmtree(ready.parent)
    for package in cache.glob("pool-*/*.conda"):
        if package.stat().st_nlink == 1:
            package.unlink()


def make_venv(python: Path, folder: Path, *words: str | Path) -> None:
    """Make a virtual environment, and install into it."""
    call(python, "-m", "venv", folder)
    call(folder / "bin" / "python", "-m", "pip", "install", *words)


def write_standin(folder: Path, tools: Path) -> None:
    """Write ``bin/conda`` and ``bin/activate`` of the stand-in."""
    programs = folder / "bin"
    programs.mkdir()
    conda = programs / "conda"
    script = shutil.copy(HERE / "conda_standin.py", folder)
    conda.write_text(f"#!/bin/sh\nexec '{tools}/bin/python' '{script}' \"$@\"\n")
    conda.chmod(0o755)
    (programs / "activate").write_text(
        'export CONDA_PREFIX="$1" PATH="$1/bin:$PATH"\n'
        'for script in "$1"/etc/conda/activate.d/*.sh; do\n'
        '  if [ -e "$script" ]; then source "$script"; fi\n'
        "done\n"
    )


@contextmanager
def set_up() -> Iterator[Lab]:
    """Build what the cache lacks, and hold the cache while the lab is in use."""
    cache = find_cache()
    with locked(cache):
        yield build_lab(cache)


def build_lab(cache: Path) -> Lab:
    """Build what the cache lacks."""
    envs = read_envs().values()
    (version,) = {env.python for env in envs}
    python = find_python(version)
    call(python, "-c", "import venv, ensurepip")
    named = sorted({INDEX_NAMES.get(name, name) for env in envs for name in env.packages})
    interpreter = subprocess.check_output([python, "-VV"], text=True)

    tools = cache / f"tools-{digest(interpreter, HERE / 'requirements.txt')}"
    launcher = cache / f"launcher-{digest(interpreter, LOCK, *launch_requirements())}"
    pool = cache / f"pool-{digest(interpreter, HERE / 'conda_package.py')}"
    sources = (LOCK, HERE / "conda_package.py", HERE / "local_channel.py")
    channel = cache / f"channel-{digest(interpreter, *sources, *named)}"
    standin = cache / f"standin-{digest(str(tools), HERE / 'conda_standin.py', HERE / 'lab.py')}"

    def build_channel(folder: Path) -> None:
        program = tools / "bin" / "python"
        wheels = folder / "wheels"
        call(program, "-m", "pip", "wheel", "-c", LOCK, "--wheel-dir", wheels, *named)
        script = HERE / "local_channel.py"
        places = ("--wheels", wheels, "--out", folder / "channels", "--pool", pool)
        call(program, script, *places)
        (folder / "unpacked").mkdir()

    def build_tools(folder: Path) -> None:
        make_venv(python, folder, "-r", HERE / "requirements.txt")

    def build_launcher(folder: Path) -> None:
        make_venv(python, folder, "-c", LOCK, *launch_requirements())

    conda = find_conda() or standin / "bin"
    # Files of envs are linked to those of unpacked packages: one file system, and kept together.
    prefix = channel / f"envs made by {digest(str(conda))}"
    with ThreadPoolExecutor(2) as executor:
        launched = executor.submit(keep, launcher, build_launcher)
        keep(tools, build_tools)
        keep(channel, build_channel)
        keep(standin, lambda folder: write_standin(folder, tools))
        launched.result()
    prune(cache)
    return Lab(
        launcher=launcher / "bin",
        conda=conda,
        channels=channel / "channels",
        wheels=channel / "wheels",
        unpacked=channel / "unpacked",
        prefix=prefix,
    )
