"""One throw-away virtual environment a peer, made once and kept between runs."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

REQUIREMENTS = Path(__file__).parent / "requirements"


@dataclass(frozen=True)
class Environment:
    """A peer's Python, or why there is none."""

    python: str | None
    """Path of the interpreter; None where the installation failed."""
    reason: str = ""
    """Why pip refused; stands beside a Python too where it took ``--no-deps``."""
    versions: dict[str, str] = field(default_factory=dict)
    """Installed packages."""
    megabytes: int = 0
    """Size on disk."""


def make_environment(key: str, work: Path, log=print) -> Environment:
    """Install ``requirements/KEY.txt`` into ``work/envs/KEY``.

    ``requirements/constraints.txt`` pins torch, so that every peer runs on the same build.
    Where pip finds no solution and ``requirements/KEY.forced.txt`` exists, its packages
    are installed as usual and then KEY.txt with ``--no-deps``: the refusal is kept as the
    reason and shown in the table. Where that fails too there is no interpreter.
    """
    wanted = REQUIREMENTS / f"{key}.txt"
    forced = REQUIREMENTS / f"{key}.forced.txt"
    constraints = REQUIREMENTS / "constraints.txt"
    parts = [path.read_text() for path in (wanted, forced, constraints) if path.exists()]
    digest = hashlib.sha256("\n".join([sys.version, *parts]).encode()).hexdigest()
    folder = work / "envs" / key
    marker = folder / "bench.json"
    if marker.exists():
        found = json.loads(marker.read_text())
        if found.pop("digest") == digest:
            return Environment(**found)
    log(f"installing {key} into {folder} ...")
    if marker.exists():
        shutil.rmtree(folder)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--progress-bar", "off", "-c", str(constraints)]
    reason, ok = _pip([*install, "-r", str(wanted)])
    if not ok and forced.exists():
        _, ok = _pip([*install, "-r", str(forced)])
        if ok:
            second, ok = _pip([*install, "--no-deps", "-r", str(wanted)])
            reason = reason if ok else f"{reason}; with --no-deps: {second}"
    environment = Environment(
        python=python if ok else None,
        reason=reason,
        versions=_versions(python) if ok else {},
        megabytes=_megabytes(folder),
    )
    folder.mkdir(parents=True, exist_ok=True)
    marker.write_text(json.dumps(asdict(environment) | {"digest": digest}, indent=1))
    return environment


def first_error(text: str) -> str:
    """Find pip's reason in what it printed: the conflict, else the first error line."""
    lines = [line.strip() for line in text.splitlines()]
    if "The conflict is caused by:" in lines:
        start = lines.index("The conflict is caused by:") + 1
        block = []
        for line in lines[start:]:
            if not line:
                break
            block.append(line)
        if block:
            return "; ".join(block)
    for pattern in (r"(?i)^(\w*error)\b.*:.*", r"(?i)\berror\b"):
        for line in lines:
            if re.search(pattern, line):
                return re.sub(r"^ERROR: ", "", line)
    return lines[-1] if lines else "pip said nothing"


def _pip(command: list[str]) -> tuple[str, bool]:
    done = subprocess.run(command, capture_output=True, text=True)
    ok = done.returncode == 0
    return ("" if ok else first_error(done.stdout + "\n" + done.stderr)), ok


def _versions(python: str) -> dict[str, str]:
    listed = subprocess.run(
        [python, "-m", "pip", "list", "--format", "json"], capture_output=True, text=True
    )
    return {entry["name"]: entry["version"] for entry in json.loads(listed.stdout)}


def _megabytes(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) // 2**20
