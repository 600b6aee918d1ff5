"""bioseq_dl: prepare, score_changes, mutate_each, and the step ``variants`` from VCF to VCF."""

import contextlib
import sys

import effects
import networks
import numpy as np
import own_networks
import pyarrow.parquet as pq
import torch
import worker

from bioseq_dl.cli.main import main
from bioseq_dl.perturb.batches import measure_batch
from bioseq_dl.perturb.engine import prepare
from bioseq_dl.perturb.mutagenesis import mutate_each
from bioseq_dl.train.checkpoint import read_checkpoint, restore_model


def make_engine(job, name):
    """Read the checkpoint; the batches are those that the library measures for itself."""
    checkpoint = read_checkpoint(own_networks.checkpoint_path(job.inputs, name))
    engine = prepare(restore_model(checkpoint), torch.device(job.device), checkpoint.unknown)
    batches = measure_batch(engine, networks.LENGTHS[name], job.inputs / "variants" / "batches")
    return engine.with_batches(batches)


def describe(engine):
    return f"{engine.batches.windows} windows, {engine.batches.tiles} mutants"


def score_snv(job, name):
    engine, length = make_engine(job, name), networks.LENGTHS[name]
    table = effects.read_alleles(job, "snv")
    windows, starts = effects.cut(table, length)
    letters = table["alt"][:, 0]

    def call(rows):
        before, after = engine.score_changes(
            windows[rows], np.arange(len(rows)), starts[rows], starts[rows] + 1, letters[rows]
        )
        return {effects.CENTRE: (after - before)[:, 0]}

    count = len(starts)
    output = f"effects, batch {describe(engine)}"
    return effects.time_rows(job, call, count, output, batch=describe(engine))


def snv(job):
    return score_snv(job, "basset")


def snv_recurrent(job):
    return score_snv(job, "danq")


def indel(job):
    """Both placements, as the step ``variants`` hands them to the engine."""
    engine = make_engine(job, "basset")
    table = effects.read_alleles(job, "indel")
    windows, starts = effects.cut(table)
    ends = starts + table["end"] - table["start"]

    def call(rows):
        lefts = [effects.place_left(table, row) for row in rows]
        rights = [effects.place_right(table, row) for row in rows]
        count = len(rows)
        before, after = engine.score_changes(
            windows[rows],
            np.tile(np.arange(count), 2),
            np.concatenate([starts[rows], np.zeros(count, np.int64)]),
            np.concatenate([np.full(count, effects.LENGTH), ends[rows]]),
            np.concatenate(lefts + rights),
        )
        mean = (after[:count] + after[count:]) / 2
        return {effects.BOTH: (mean - before)[:, 0]}

    output = f"effects, batch {describe(engine)}, 3 windows an allele"
    return effects.time_rows(job, call, len(starts), output, batch=describe(engine))


def ism(job):
    engine = make_engine(job, "basset")
    windows = effects.read_windows(job)
    first = next(mutate_each(engine, windows[:1]))[:, :, 0]
    own = first[0, windows[0][0]]
    picked = effects.pick_mutants(first - own, windows[0], effects.checked_mutants())
    clock, done = worker.Clock(), 0
    while clock.seconds < job.seconds:
        with clock.running():
            for outputs in mutate_each(engine, windows):
                done += 3 * len(outputs)
    return effects.result(
        done,
        clock.seconds,
        f"effects, batch {describe(engine)}",
        {effects.WHOLE: picked},
        batch=describe(engine),
    )


def variants_tiny(job):
    """The command: VCF and FASTA in; bgzip VCF, its index, Parquet and summary out."""
    folder = job.inputs / "variants"
    table = folder / "own.parquet"
    command = ["variants", "--model", str(own_networks.checkpoint_path(job.inputs, "tiny"))]
    command += ["--vcf", effects.vcf_path(job), "--genome", worker.fasta(job)]
    command += ["--cache", str(folder / "cache"), "--device", job.device]
    command += ["--threads", str(job.threads), "--out", str(folder / "own.vcf.gz")]
    command += ["--table", str(table), "--summary", str(folder / "own.json")]

    def call():
        with contextlib.redirect_stdout(sys.stderr):
            if code := main(command):
                raise SystemExit(f"the command ended with {code}")

    def read():
        return {effects.CENTRE: pq.read_table(table)["diff:effect"].to_numpy()}

    count = len(effects.read_vcf(job))
    return effects.time_file(job, call, count, "bgzip VCF, index, Parquet", read)


worker.main(
    {
        "snv": snv,
        "indel": indel,
        "ism": ism,
        "snv_recurrent": snv_recurrent,
        "variants_tiny": variants_tiny,
    }
)
