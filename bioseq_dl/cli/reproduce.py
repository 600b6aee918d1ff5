"""``bioseq-dl reproduce``."""

from __future__ import annotations

import argparse
import math
import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from bioseq_dl.cli.common import add_path, start_log, thread_count
from bioseq_dl.errors import InputError

if TYPE_CHECKING:
    from bioseq_dl.archive.contents import Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "original",
        type=Path,
        metavar="ORIGINAL",
        help="results folder, its runs/NAME, or an archive of export",
    )
    parser.add_argument(
        "--run", dest="run_name", metavar="NAME", help="a run, where it has several"
    )
    parser.add_argument(
        "--compare",
        type=Path,
        metavar="OTHER",
        help="compare with these results (folder or archive) instead of running again",
    )
    add_path(parser, "out", "output: a new folder")
    add_path(
        parser,
        "inputs",
        "folder that relative paths of inputs count from (default: here)",
        required=False,
        default=Path(),
    )
    parser.add_argument(
        "--cores", type=thread_count, help="of the rerun (default: what the trainings had)"
    )
    parser.add_argument(
        "--tolerance",
        type=_read_tolerance,
        help="gap |a - b| / (1 + |a|) up to which numbers are the same (default: 1e-5)",
    )
    parser.add_argument(
        "--anyway", action="store_true", help="run again even where the inputs have changed"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run again, or take other results; compare; 0 the same, 1 not."""
    from bioseq_dl.cli.main import FAILED
    from bioseq_dl.io.atomic import check_fresh, write_json, write_text
    from bioseq_dl.reproduction.causes import check_inputs
    from bioseq_dl.reproduction.comparison import TOLERANCE, compare_results, describe
    from bioseq_dl.reproduction.rerun import recorded_cores, rerun

    log = start_log()
    out = arguments.out.resolve()
    check_fresh(out)
    tolerance = TOLERANCE if arguments.tolerance is None else arguments.tolerance
    inputs = arguments.inputs.resolve()
    with ExitStack() as refused:
        # The command may be given again as it is: nothing of a refused one stays.
        refused.callback(_remove_unpacked, out, out.exists())
        original = _open(arguments.original, arguments.run_name, out / "original")
        _check_place(out, original)
        other = None
        if arguments.compare is not None:
            # Of a folder that names its run, that one; of a whole results folder, the same run.
            whole = (arguments.compare / "config.yaml").is_file()
            other = _open(arguments.compare, original.name if whole else None, out / "other")
            comparison = compare_results(original, other, tolerance)
        else:
            changed = check_inputs(original, inputs)
            if changed and not arguments.anyway:
                print("the inputs are not what they were: not run again (--anyway)")
                for cause in changed:
                    print(f"{cause.what}: {cause.first} -> {cause.second}")
                return FAILED
            cores = arguments.cores or recorded_cores(original)
        refused.pop_all()
    if other is None:
        out.mkdir(parents=True, exist_ok=True)
        other = rerun(original, out, inputs, cores, log)
        comparison = compare_results(original, other, tolerance)
    write_json(out / "reproduction.json", comparison.to_json())
    text = describe(comparison)
    write_text(out / "reproduction.txt", text)
    print(text, end="")
    return 0 if comparison.same else FAILED


def _read_tolerance(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 or more")
    return value


def _check_place(out: Path, original: Result) -> None:
    """Refuse a folder among the results: the run would hold its own rerun."""
    if out.is_relative_to(original.results.resolve()):
        raise InputError(
            "the folder would stand among the results", file=out, fix="give another --out"
        )


def _remove_unpacked(out: Path, was_there: bool) -> None:
    for name in ("original", "other"):
        shutil.rmtree(out / name, ignore_errors=True)
    if out.is_dir() and not was_there:
        out.rmdir()


def _open(path: Path, name: str | None, folder: Path) -> Result:
    """Open results; of an archive, checked and unpacked into a folder."""
    from bioseq_dl.archive.contents import find_result

    if path.is_dir():
        return find_result(path, name)
    from bioseq_dl.archive.verify import extract_archive, verify_archive

    manifest, _ = verify_archive(path)
    if name not in (None, manifest.run):
        raise InputError("the archive is of another run than --run", file=path, found=name)
    extract_archive(path, folder)
    return find_result(folder / "results", manifest.run)
