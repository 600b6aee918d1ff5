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
WITHOUT_EFFECT = ("bioseq_dl.cli.main", "bioseq_dl.config", "bioseq_dl.steps", "bioseq_dl.errors")
"""Modules (and packages) that do not change a step's result: they dispatch, or what they tell
the step stands in its part of the config, which is a parameter of its own. A new task or
command must not retrain every model."""


def step_modules(step: str) -> list[str]:
    """Give the modules of the library that a step may run, sorted."""
    start = [f"bioseq_dl.cli.{step}", "bioseq_dl.cli.main"]
    for task in TASKS.values():
        for name in STEPS[step].functions:
            value = getattr(task, name)
            references = value.values() if isinstance(value, dict) else [value]
            start += [reference.partition(":")[0] for reference in references if reference]
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
    """Digest of the code (and templates) of all modules that a step may run.

    Comments, docstrings and layout do not count, nor do the modules `WITHOUT_EFFECT`.
    """
    digest = hashlib.sha256()
    for module in step_modules(step):
        if any(f"{module}.".startswith(f"{name}.") for name in WITHOUT_EFFECT):
            continue
        file = _module_file(module)
        digest.update(f"{module}\n{read_code(file)}\n".encode())
        if file.name == "__init__.py":  # what a package keeps beside its code
            for part in sorted((file.parent / "templates").glob("*")):
                digest.update(part.read_bytes())
    return digest.hexdigest()[:12]


@cache
def read_code(file: Path) -> str:
    """Give what a module does, as its syntax tree without docstrings."""
    return _read_module(file)[0]


def _is_text(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )


@cache
def imported_modules(module: str) -> frozenset[str]:
    """Give the absolute names of the modules a module imports, anywhere in its source."""
    found = set()
    for name, inside in _read_module(_module_file(module))[1]:
        # ``from package import name``: the name may be a module itself.
        modules = [part for part in inside if _is_module(part)]
        found |= set(modules)
        if len(modules) < len(inside) or not modules:
            found.add(name)
    return frozenset(found)


@cache
def _read_module(file: Path) -> tuple[str, list[tuple[str, list[str]]]]:
    """Give a module's code, and its imports: a module, and what is taken from it.

    Parsed once: this is most of what our part of the workflow costs when Snakemake starts.
    """
    tree = ast.parse(file.read_text(encoding="utf-8"))
    imports: list[tuple[str, list[str]]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imports += [(alias.name, []) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            imports.append((node.module, [f"{node.module}.{alias.name}" for alias in node.names]))
        # A string that stands alone as a statement does nothing.
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [part for part in body if not _is_text(part)]  # type: ignore[attr-defined]
    return ast.dump(tree), imports


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
