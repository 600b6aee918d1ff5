"""Benchmark scripts as modules: they stand outside the package."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def load_script() -> Iterator[Callable[[str], ModuleType]]:
    """Give a function from a path below benchmarks to the module, forgotten afterwards."""
    names: list[str] = []
    paths = sys.path.copy()

    def load(path: str) -> ModuleType:
        name = "benchmark_" + path.removesuffix(".py").replace("/", "_")
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up
        names.append(name)
        spec.loader.exec_module(module)
        return module

    yield load
    sys.path[:] = paths
    for name in names:
        del sys.modules[name]
