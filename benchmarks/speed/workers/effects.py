"""What the workers of variant effects and mutagenesis share: alleles, windows, the check.

A worker hands back ``effects``: for some alleles the output with the allele less the output
of the reference, under the name of the convention it follows, since not every tool places a
variant alike. The plain loop also gives ``reference``: the same from its network in float64.
The harness compares.
"""

import gzip
import time

import numpy as np
import worker

LENGTH = 1000
LONGEST = 20
"""Both as in variant_inputs.py."""
CHECKED = 64
"""Alleles whose effects are compared."""
CHECKED_OF_FILE = 1000
"""Variants of the VCF whose effects are compared: most change no maximum of the tiny network."""
TINY = 200
"""Bases that the tiny network reads."""

CENTRE = "letter L // 2"
LEFT_OF_CENTRE = "letter L // 2 - 1"
"""Where gReLU's windows of even length have the variant."""
BOTH = "left- and right-anchored, averaged"
LEFT_ANCHORED = "left-anchored"
WHOLE = "mutants along the window"
MIDDLE = "mutants in the middle"


def read_alleles(job, kind):
    """The table of alleles that variant_inputs.py wrote, as a dict of arrays."""
    with np.load(job.inputs / "variants" / f"{kind}.npz") as table:
        return dict(table)


def cut(table, length=LENGTH, shift=0):
    """Reference windows uint8 (n, length) around the alleles, and where these start, (n,).

    `shift` moves all windows to the right.
    """
    first = LENGTH // 2 - length // 2 + shift
    windows = table["context"][:, LONGEST + first : LONGEST + first + length]
    return np.ascontiguousarray(windows), table["start"] - first


def substitute(table, windows, starts):
    """Windows with the single-base allele put in."""
    changed = windows.copy()
    changed[np.arange(len(windows)), starts] = table["alt"][:, 0]
    return changed


def place_left(table, row, length=LENGTH):
    """What follows the left flank in a window whose left flank stays."""
    first, start, end, alt = _edges(table, row, length)
    tail = table["context"][row][end:]
    return np.concatenate([alt, tail])[: first + length - start]


def place_right(table, row, length=LENGTH):
    """What comes before the right flank in a window whose right flank stays."""
    first, start, end, alt = _edges(table, row, length)
    joined = np.concatenate([table["context"][row][:start], alt])
    return joined[len(joined) - (end - first) :]


def _edges(table, row, length):
    first = LONGEST + LENGTH // 2 - length // 2
    start, end = LONGEST + table["start"][row], LONGEST + table["end"][row]
    return first, start, end, table["alt"][row][: table["alt_length"][row]]


def place_all(table, rows, length=LENGTH):
    """Windows of indels: left-anchored and right-anchored, both uint8 (n, length)."""
    windows, starts = cut(table, length)
    _, ends = windows, starts + table["end"] - table["start"]
    lefts, rights = windows[rows], windows[rows]
    for place, row in enumerate(rows):
        lefts[place, starts[row] :] = place_left(table, row, length)
        rights[place, : ends[row]] = place_right(table, row, length)
    return lefts, rights


def read_windows(job):
    """Windows to mutate everywhere, uint8 (n, LENGTH)."""
    return np.load(job.inputs / "variants" / "windows.npy")


def checked_mutants(start=0, end=LENGTH):
    """Places along the window whose mutants are compared: both ends and the middle."""
    middle = LENGTH // 2
    places = [*range(6), *range(middle - 3, middle + 4), *range(LENGTH - 6, LENGTH)]
    return [place for place in places if start <= place < end]


def pick_mutants(outputs, window, places, first=0):
    """Effects of all three mutants a place.

    `outputs` is (positions, 4), the first position being `first`; a column that holds the
    window's own letter is left out.
    """
    found = [
        outputs[place - first, letter]
        for place in places
        for letter in range(4)
        if letter != window[place]
    ]
    return np.asarray(found, np.float64)


def vcf_path(job):
    return str(job.inputs / "variants" / "variants.vcf.gz")


def read_vcf(job):
    """Rows of the VCF as (chrom, position, ref, alt); plain Python."""
    rows = []
    with gzip.open(vcf_path(job), "rt") as handle:
        for line in handle:
            if not line.startswith("#"):
                chrom, position, _, ref, alt, _ = line.split("\t", 5)
                rows.append((chrom, int(position), ref, alt))
    return rows


def choose_batch(job, run):
    """Try the batches of the command line: the fastest, and seconds by batch.

    ``run(batch)`` is timed twice, the better counts.
    """
    seconds = {}
    for batch in (int(word) for word in job.batches.split(",")):
        tries = []
        for _ in range(2):
            start = time.perf_counter()
            run(batch)
            tries.append(time.perf_counter() - start)
        seconds[batch] = min(tries)
    return min(seconds, key=seconds.get), seconds


def time_rows(job, call, count, output, **more):
    """Time ``call(rows)`` on all rows, after one untimed call for the check.

    `call` gives effects by convention.
    """
    effects = call(np.arange(min(CHECKED, count)))
    clock, done = worker.Clock(), 0
    while clock.seconds < job.seconds:
        with clock.running():
            call(np.arange(count))
        done += count
    return result(done, clock.seconds, output, effects, **more)


def time_file(job, call, count, output, read=None, **more):
    """Time ``call()``, from the VCF to a file, after one untimed call for the check.

    `call` gives effects by convention, or `read` takes them from what it wrote.
    """
    found = call()
    found = read() if read else found
    clock, done = worker.Clock(), 0
    while clock.seconds < job.seconds:
        with clock.running():
            call()
        done += count
    checked = {name: values[:CHECKED_OF_FILE] for name, values in found.items()}
    return result(done, clock.seconds, output, checked, **more)


def result(count, seconds, output, effects, precision="fp32", **more):
    listed = {name: np.asarray(values, np.float64).tolist() for name, values in effects.items()}
    return worker.result(count, seconds, output, precision=precision, effects=listed, **more)
