"""Build local conda channels of the running Python and a folder of wheels.

Run in the environment of requirements.txt: ``python local_channel.py --wheels W --out CHANNELS
--pool P``. Packages are made once, in the pool, and linked into the channels.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from conda_package import (
    Package,
    describe_python,
    describe_wheel,
    pack_python,
    pack_wheel,
    read_metadata,
)
from packaging.utils import parse_wheel_filename
from rattler.index import index_fs
from rattler.platform import Platform

CHANNELS = ("conda-forge", "bioconda")
OF_BIOCONDA = {"pysam", "pyjaspar"}
"""The others stand in conda-forge."""


def make_package(wheel: Path | None, package: Package, pool: Path, subdir: str) -> None:
    """Make a package of a wheel, or of Python where there is none."""
    if wheel is None:
        pack_python(package, pool, subdir)
    else:
        pack_wheel(wheel, package, pool, subdir)


def link(source: Path, target: Path) -> None:
    """Make a hard link, or a copy on another file system."""
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy2(source, target)


def build_channels(wheels: list[Path], out: Path, pool: Path) -> None:
    """Make the packages that the pool lacks, link all of these wheels into channels, index."""
    subdir = str(Platform.current())
    # The largest first: the last to be finished is a small one.
    wheels = sorted(wheels, key=lambda wheel: -wheel.stat().st_size)
    metadata = {str(parse_wheel_filename(wheel.name)[0]): read_metadata(wheel) for wheel in wheels}
    packages: dict[Package, Path | None] = {
        describe_wheel(wheel, metadata): wheel for wheel in wheels
    }
    packages[describe_python()] = None
    pool.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as executor:
        jobs = [
            executor.submit(make_package, wheel, package, pool, subdir)
            for package, wheel in packages.items()
            if not (pool / package.pool_name).is_file()
        ]
        for job in jobs:
            job.result()
    for channel in CHANNELS:
        for place in (subdir, "noarch"):
            (out / channel / place).mkdir(parents=True, exist_ok=True)
    for package in packages:
        channel = CHANNELS[package.name in OF_BIOCONDA]
        link(pool / package.pool_name, out / channel / subdir / f"{package.stem}.conda")
    for channel in CHANNELS:
        asyncio.run(index_fs(out / channel, write_zst=False, write_shards=False, force=True))
    print(f"{len(packages)} packages, {len(jobs)} of them new")


def main() -> None:
    """Read the arguments, build."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wheels", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pool", type=Path, required=True)
    arguments = parser.parse_args()
    build_channels(sorted(arguments.wheels.glob("*.whl")), arguments.out, arguments.pool)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)  # py-rattler 0.28 can crash when the interpreter ends
