"""``bioseq-dl init``: a documented config to start from."""

from __future__ import annotations

import argparse
from pathlib import Path

import bioseq_dl
from bioseq_dl.errors import InputError

REPOSITORY = Path(bioseq_dl.__file__).parents[1]
RECIPES = REPOSITORY / "config" / "recipes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    names = [path.stem for path in sorted(RECIPES.glob("*.yaml"))]
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the new project")
    parser.add_argument(
        "--recipe",
        default=names[0] if names else None,
        help=f"what to start from: {', '.join(names)} (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Copy a recipe to DIR/config/config.yaml, never over a file that is there."""
    from bioseq_dl.io.atomic import write_text

    names = {path.stem: path for path in sorted(RECIPES.glob("*.yaml"))}
    if not names:
        raise InputError(
            "the recipes are not beside the library",
            file=RECIPES,
            fix="run bioseq-dl from a checkout of the project (pip install --editable .)",
        )
    if arguments.recipe not in names:
        raise InputError("no such recipe", found=arguments.recipe, allowed=", ".join(names))
    target = arguments.folder / "config" / "config.yaml"
    if target.exists():
        raise InputError(
            "a config stands here already", file=target, fix="choose another folder or delete it"
        )
    write_text(target, names[arguments.recipe].read_text(encoding="utf-8"))
    print(f"wrote {target}; edit it, then:")
    print(f"  cd {arguments.folder}")
    print("  bioseq-dl check config/config.yaml")
    print(f"  snakemake --snakefile {REPOSITORY / 'Snakefile'} --cores 2")
