"""tangermeme: substitution_effect, deletion_effect, insertion_effect, saturation_mutagenesis.

Variant ``default`` takes its default batch, ``best`` the fastest of several.
"""

import sys
import time
import warnings

import effects
import networks
import numpy as np
import pandas as pd
import torch
import worker
from tangermeme.io import extract_loci
from tangermeme.saturation_mutagenesis import saturation_mutagenesis
from tangermeme.utils import TangermemeWarning
from tangermeme.variant_effect import deletion_effect, insertion_effect, substitution_effect

DEFAULT = 32
# A job that would take less than 30 s is left to full passes. Ours are samples of long ones.
sys.modules["tangermeme.saturation_mutagenesis"]._FAST_MIN_SECONDS = 0.0


def one_hot(codes):
    eye = torch.cat([torch.eye(4, dtype=torch.int8), torch.zeros(1, 4, dtype=torch.int8)])
    return eye[torch.from_numpy(codes).long()].transpose(1, 2).contiguous()


def pick_batch(job, run):
    if job.variant == "default":
        return DEFAULT, {}
    return effects.choose_batch(job, run)


def difference(found):
    return (found.y_after - found.y_before)[:, 0].numpy()


def time_alleles(job, call, count):
    """Time ``call(rows, batch)`` with the job's batch."""
    few = np.arange(min(count, 128))
    batch, tried = pick_batch(job, lambda size: call(few, size))
    return effects.time_rows(
        job,
        lambda rows: call(rows, batch),
        count,
        f"effects, batch {batch}, 2 passes an allele",
        batch=batch,
        batches=tried,
    )


def score_snv(job, name):
    model, length = networks.load(job.inputs, name), networks.LENGTHS[name]
    table = effects.read_alleles(job, "snv")
    windows, starts = effects.cut(table, length)
    columns = one_hot(windows)
    places, letters = torch.from_numpy(starts), torch.from_numpy(table["alt"][:, 0].astype(int))

    def call(rows, batch):
        substitutions = torch.stack([torch.arange(len(rows)), places[rows], letters[rows]], 1)
        found = substitution_effect(
            model, columns[rows], substitutions, batch_size=batch, device=job.device
        )
        return {effects.CENTRE: difference(found)}

    return time_alleles(job, call, len(starts))


def snv(job):
    return score_snv(job, "basset")


def snv_recurrent(job):
    return score_snv(job, "danq")


def indel(job):
    """Left-anchored: its default is to trim on the right."""
    model = networks.load(job.inputs, "basset")
    table = effects.read_alleles(job, "indel")
    first = effects.LONGEST
    wide = one_hot(table["context"][:, first:])  # the window and LONGEST bases after it
    starts, taken, given = table["start"], table["end"] - table["start"], table["alt_length"]

    def call(rows, batch):
        found = np.empty(len(rows), np.float32)
        deletions, insertions = np.flatnonzero(taken[rows]), np.flatnonzero(given[rows])
        most = int(taken[rows].max())
        listed = [
            (place, starts[row] + step)
            for place, row in enumerate(rows[deletions])
            for step in range(taken[row])
        ]
        found[deletions] = difference(
            deletion_effect(
                model,
                wide[rows[deletions], :, : effects.LENGTH + most],
                torch.tensor(np.array(listed)),
                batch_size=batch,
                device=job.device,
            )
        )
        # The last row given ends up first.
        listed = [
            (place, starts[row], table["alt"][row, step])
            for place, row in enumerate(rows[insertions])
            for step in reversed(range(given[row]))
        ]
        found[insertions] = difference(
            insertion_effect(
                model,
                wide[rows[insertions], :, : effects.LENGTH],
                torch.tensor(np.array(listed)),
                batch_size=batch,
                device=job.device,
            )
        )
        return {effects.LEFT_ANCHORED: found}

    return time_alleles(job, call, len(starts))


def ism(job):
    """fast=True. Capturing and checking the network, once a call, is taken off.

    One call on a window is subtracted from one on several.
    """
    model = networks.load(job.inputs, "basset")
    windows = effects.read_windows(job)
    columns = one_hot(windows)

    def call(count, batch):
        start = time.perf_counter()
        found = saturation_mutagenesis(
            model,
            columns[:count],
            batch_size=batch,
            raw_outputs=True,
            device=job.device,
            fast=True,
        )
        return found, time.perf_counter() - start

    def marginal(count, batch):
        alone = call(1, batch)[1]
        whole = call(count, batch)[1]
        if whole <= alone:
            raise SystemExit("the machine is too busy: more windows took less time than one")
        return whole - alone

    with warnings.catch_warnings(record=True) as raised:
        warnings.simplefilter("always", TangermemeWarning)
        found, _ = call(1, DEFAULT)
        if job.variant == "default":
            batch, tried = DEFAULT, {}
        else:
            sizes = [int(word) for word in job.batches.split(",")]
            tried = {size: marginal(min(3, len(windows)), size) for size in sizes}
            batch = min(tried, key=tried.get)
        seconds = marginal(len(windows), batch)
    slow = [str(one.message) for one in raised if issubclass(one.category, TangermemeWarning)]
    outputs = (found.y_hat - found.y0[:, None, None])[0, :, :, 0].numpy().T
    picked = effects.pick_mutants(outputs, windows[0], effects.checked_mutants())
    return effects.result(
        3 * effects.LENGTH * (len(windows) - 1),
        seconds,
        f"effects, fast=True, batch {batch}" + (", which fell back" if slow else ""),
        {effects.WHOLE: picked},
        batch=batch,
        batches=tried,
        warnings=slow,
    )


def variants_tiny(job):
    """VCF to a table. Its read_vcf takes nine columns; ours has eight, as VCFs of sites have."""
    model = networks.load(job.inputs, "tiny")
    names = ["CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    out = job.inputs / "variants" / f"tangermeme-{job.variant}.tsv"
    codes = pd.Series(range(4), index=list("ACGT"))

    def call(batch, rows=None):
        # As tangermeme.io.read_vcf does it.
        vcf = pd.read_csv(
            effects.vcf_path(job), delimiter="\t", comment="#", names=names, nrows=rows
        )
        loci = pd.DataFrame({"chrom": vcf["CHROM"], "start": vcf["POS"] - 1, "end": vcf["POS"]})
        columns = extract_loci(loci, worker.fasta(job), in_window=effects.TINY, n_jobs=job.threads)
        letters = torch.from_numpy(codes[vcf["ALT"]].to_numpy())
        middle = torch.full((len(vcf),), effects.TINY // 2)
        substitutions = torch.stack([torch.arange(len(vcf)), middle, letters], 1)
        found = substitution_effect(
            model, columns, substitutions, batch_size=batch, device=job.device
        )
        vcf["reference"] = found.y_before[:, 0].numpy()
        vcf["effect"] = difference(found)
        vcf.to_csv(out, sep="\t", index=False)
        return {effects.CENTRE: vcf["effect"].to_numpy()}

    count = len(call(DEFAULT)[effects.CENTRE])
    batch, tried = DEFAULT, {}
    if job.variant == "best":
        job.batches = "64,256,1024,4096"
        batch, tried = effects.choose_batch(job, lambda size: call(size, 20_000))
    return effects.time_file(
        job, lambda: call(batch), count, f"TSV, batch {batch}", batch=batch, batches=tried
    )


worker.main(
    {
        "snv": snv,
        "indel": indel,
        "ism": ism,
        "snv_recurrent": snv_recurrent,
        "variants_tiny": variants_tiny,
    }
)
