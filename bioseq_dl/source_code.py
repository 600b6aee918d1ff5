"""Which code and which packages a step needs, read from the imports in the source.

Snakemake does not see edits to imported modules: the workflow passes a digest of a
step's code as a parameter, so that a step reruns when its code changes. The same walk
tells a test which packages a step's env file must hold.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from functools import cache
from pathlib import Path

import bioseq_dl
from bioseq_dl.steps import STEPS
from bioseq_dl.tasks.registry import TASKS

ROOT = Path(bioseq_dl.__file__).parent


def step_modules(step: str) -> list[str]:
    """Give the modules of the library that a step may run, sorted."""
    start = [f"bioseq_dl.cli.{step}", "bioseq_dl.cli.main"]
    for task in TASKS.values():
        for name in STEPS[step].functions:
            value = getattr(task, name)
            references = value.values() if isinstance(value, dict) else [value]
            start += [reference.partition(":")[0] for reference in references]
    found: set[str] = set()
    while start:
        module = start.pop()
        if module in found:
            continue
        found.add(module)
        # A module runs the __init__ of its packages too.
        start += [name for name in imported_modules(module) if name.startswith("bioseq_dl")]
        start += [parent for parent in _parents(module) if parent not in found]
    return sorted(found)


def step_packages(step: str) -> set[str]:
    """Give the top-level names of the third-party modules that a step may import."""
    names = set()
    for module in step_modules(step):
        names |= {name.partition(".")[0] for name in imported_modules(module)}
    return {name for name in names if name not in sys.stdlib_module_names and name != "bioseq_dl"}


def code_digest(step: str) -> str:
    """Digest of the source (and templates) of all modules that a step may run."""
    digest = hashlib.sha256()
    for module in step_modules(step):
        file = _module_file(module)
        parts = [file]
        if file.name == "__init__.py":  # what a package keeps beside its code
            parts += sorted((file.parent / "templates").glob("*"))
        for part in parts:
            digest.update(part.relative_to(ROOT).as_posix().encode())
            digest.update(part.read_bytes())
    return digest.hexdigest()[:12]


@cache
def imported_modules(module: str) -> frozenset[str]:
    """Give the absolute names of the modules a module imports, anywhere in its source."""
    found = set()
    for node in ast.walk(ast.parse(_module_file(module).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            # ``from package import name``: the name may be a module itself.
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            modules = [name for name in inside if _is_module(name)]
            found |= set(modules)
            if len(modules) < len(inside) or not modules:
                found.add(node.module)
    return frozenset(found)


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _is_module(name: str) -> bool:
    return name.startswith("bioseq_dl.") and _find_file(name) is not None


def _module_file(module: str) -> Path:
    found = _find_file(module)
    if found is None:
        raise ModuleNotFoundError(module)
    return found


def _find_file(module: str) -> Path | None:
    path = ROOT.joinpath(*module.split(".")[1:])
    for candidate in (path.with_suffix(".py") if path != ROOT else None, path / "__init__.py"):
        if candidate is not None and candidate.is_file():
            return candidate
    return None
