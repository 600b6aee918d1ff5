"""The env files of the repository beside its lock file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).parents[2]
INDEX_NAMES = {"pytorch": "torch"}
"""Names that the Python index has for packages of the channels, where they differ."""
IMPORT_NAMES = {
    "biopython": "Bio",
    "graspologic-native": "graspologic_native",
    "lightning-fabric": "lightning_fabric",
    "pytorch": "torch",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}
"""Names that packages are imported by, where they differ."""


@dataclass(frozen=True)
class EnvFile:
    """What one file of ``envs/`` declares; each a name and its pin, ``numpy`` and ``2.4``."""

    step: str
    python: str
    conda: dict[str, str]
    pip: dict[str, str]

    @property
    def packages(self) -> dict[str, str]:
        """All packages but Python itself, by the names of the channels."""
        return {**self.conda, **self.pip}


def _read_line(line: str) -> tuple[str, str]:
    found = re.fullmatch(r"([\w-]+) ==?([\d.]+?)(?:\.\*)?", line)
    if found is None:
        raise ValueError(f"not of the form 'name =1.2': {line}")
    return found[1], found[2]


def read_env(path: Path) -> EnvFile:
    """Read an env file."""
    lines = yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]
    conda = dict(_read_line(line) for line in lines if isinstance(line, str))
    of_pip = [word for line in lines if isinstance(line, dict) for word in line["pip"]]
    return EnvFile(path.stem, conda.pop("python"), conda, dict(map(_read_line, of_pip)))


def read_envs() -> dict[str, EnvFile]:
    """Read all env files, by the names of their steps."""
    return {path.stem: read_env(path) for path in sorted((REPOSITORY / "envs").glob("*.yaml"))}


def read_lock() -> dict[str, str]:
    """Give the locked version of each package, by its name in the index."""
    lines = (REPOSITORY / "requirements.lock").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {name.lower().replace("_", "-"): version for name, version in pairs}
