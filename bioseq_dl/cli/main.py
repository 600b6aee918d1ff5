"""``bioseq-dl``: finds the step, runs it, and says plainly what went wrong."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from bioseq_dl import __version__
from bioseq_dl.errors import InputError, ProcessLost
from bioseq_dl.provenance import TELL, tell_provenance

FAILED, BAD_INPUT, INTERRUPTED, STOPPED = 1, 2, 130, 143

COMMANDS = {
    "init": "write a documented starter config for a task",
    "check": "validate a config and its inputs before anything runs",
    "fetch": "download or find the inputs, and check their hashes",
    "ingest": "read the inputs into records.parquet and rejected.tsv",
    "split": "give each record a fold and audit the folds for leakage",
    "encode": "turn records into arrays",
    "tune": "train trials of a search for sizes and settings",
    "choose": "choose the best trial of a search",
    "train": "train one model (one run, fold and seed)",
    "predict": "apply a trained model to records, or to new data",
    "variants": "score the variants of a VCF, or of a table, with trained models",
    "gather": "put the parts of a scattered VCF together",
    "explain": "what trained models look at: mutagenesis, attributions, motifs",
    "landscape": "predict every single mutant of a protein, and propose designs",
    "baseline": "fit a baseline on the same folds",
    "evaluate": "metrics with intervals, against the baselines",
    "saliency": "which genes networks of cells look at, beside those that scanpy ranks",
    "annotate": "cells with predictions and embedding, as AnnData",
    "report": "write report.html",
    "export": "put a finished run into one archive, with hashes and metadata",
    "verify": "check an archive of a run",
    "reproduce": "run a finished run again, and say what differs and why",
    "reference": "print the config reference (Markdown or JSON schema)",
}
"""Subcommand: what it does. Each is a module beside this one."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a subcommand; give its exit code.

    0 done; 1 a process of several was lost, or results differ; 2 something the user gave cannot
    be used (one line on stderr, no traceback); 130 interrupted from the keyboard; 143 asked to
    end, state saved.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="bioseq-dl",
        description="Deep models on sequences and omics data. Each step of the workflow by hand.",
    )
    parser.add_argument("--version", action="version", version=f"bioseq-dl {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="STEP", required=True)
    chosen = next((word for word in arguments if not word.startswith("-")), None)
    for name, help_text in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=help_text, description=_sentence(help_text))
        if name == chosen:
            module = import_module(f"bioseq_dl.cli.{name}")
            module.add_arguments(subparser)
            subparser.set_defaults(run=module.run)
    parsed = parser.parse_args(arguments)
    if os.environ.get(TELL):
        print(tell_provenance(), file=sys.stderr, flush=True)
    try:
        code: int | None = parsed.run(parsed)
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return BAD_INPUT
    except ProcessLost as error:
        print(f"error: {error}; the others were ended; run again to go on", file=sys.stderr)
        return FAILED
    except BrokenPipeError:
        # Whoever read our output has had enough (``| head``); keep the exit's flush quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    return code or 0


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


if __name__ == "__main__":
    sys.exit(main())
