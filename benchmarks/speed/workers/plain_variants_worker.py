"""Not a library: the batched loop that a user would write by hand, on plain torch.

Variants: a batch, or ``best`` of several. Every effect is two full passes through the network
(an indel placed twice: three).
"""

import copy
import csv

import effects
import networks
import numpy as np
import torch
import worker

EYE = np.vstack([np.eye(4, dtype=np.float32), np.zeros((1, 4), np.float32)])


@torch.inference_mode()
def predict(model, windows, batch, device="cpu", dtype=torch.float32):
    """Outputs (n,) of windows uint8 (n, length)."""
    eye = torch.from_numpy(EYE).to(device, dtype)
    outputs = []
    for start in range(0, len(windows), batch):
        codes = torch.from_numpy(windows[start : start + batch]).to(device).long()
        outputs.append(model(eye[codes].transpose(1, 2).contiguous())[:, 0].cpu())
    return torch.cat(outputs).numpy()


def exact(job, name):
    """Float64, to compare with."""
    model = copy.deepcopy(networks.load(job.inputs, name)).double()
    return lambda windows: predict(model, windows, 16, dtype=torch.float64)


def substitutions(table, length):
    """Effects of single-base alleles, given a way to predict windows."""

    def run(outputs_of, rows, shift=0):
        part = {key: values[rows] for key, values in table.items()}
        windows, starts = effects.cut(part, length, shift)
        changed = effects.substitute(part, windows, starts)
        return outputs_of(changed) - outputs_of(windows)

    return run


def indels(table, placements):
    """Effects of indels: left-anchored alone, or the mean of both placements."""

    def run(outputs_of, rows):
        windows = effects.cut(table)[0][rows]
        lefts, rights = effects.place_all(table, rows)
        reference = outputs_of(windows)
        if placements == 1:
            return {effects.LEFT_ANCHORED: outputs_of(lefts) - reference}
        both = (outputs_of(lefts) + outputs_of(rights)) / 2
        return {effects.BOTH: both - reference}

    return run


def timed(job, name, run, count, reference, windows):
    """Choose the batch if asked to, then time."""
    model = networks.load(job.inputs, name).to(job.device)

    def call(rows, batch):
        return run(lambda found: predict(model, found, batch, job.device), rows)

    batch, tried = job.variant, {}
    if batch == "best":
        few = np.arange(min(count, 128))
        batch, tried = effects.choose_batch(job, lambda size: call(few, size))
    batch = int(batch)
    return effects.time_rows(
        job,
        lambda rows: call(rows, batch),
        count,
        f"effects, batch {batch}, {windows} passes an allele",
        reference={key: values.tolist() for key, values in reference.items()},
        batch=batch,
        batches=tried,
    )


def score_snv(job, name, length):
    table = effects.read_alleles(job, "snv")
    count = len(table["start"])
    run = substitutions(table, length)
    rows = np.arange(min(effects.CHECKED, count))
    outputs_of = exact(job, name)
    reference = {
        effects.CENTRE: run(outputs_of, rows),
        effects.LEFT_OF_CENTRE: run(outputs_of, rows, 1),
    }
    return timed(
        job, name, lambda *given: {effects.CENTRE: run(*given)}, count, reference, windows=2
    )


def snv(job):
    return score_snv(job, "basset", networks.LENGTHS["basset"])


def snv_recurrent(job):
    return score_snv(job, "danq", networks.LENGTHS["danq"])


def indel(job):
    """Variant ``best`` or a batch; with ``,1`` after it one placement."""
    job.variant, _, placements = job.variant.partition(",")
    placements = int(placements or 2)
    table = effects.read_alleles(job, "indel")
    count = len(table["start"])
    rows = np.arange(min(effects.CHECKED, count))
    outputs_of = exact(job, "basset")
    reference = indels(table, 1)(outputs_of, rows) | indels(table, 2)(outputs_of, rows)
    run = indels(table, placements)
    return timed(job, "basset", run, count, reference, windows=placements + 1)


def mutants(window, places):
    """All three mutants a place, in the order of `effects.pick_mutants`."""
    changed = np.repeat(window[None], 3 * len(places), axis=0)
    letters = [letter for place in places for letter in range(4) if letter != window[place]]
    changed[np.arange(len(changed)), np.repeat(places, 3)] = letters
    return changed


def ism(job):
    """Full passes: timed on as many mutants of the first window as there are alleles."""
    window = effects.read_windows(job)[0]
    outputs_of = exact(job, "basset")

    def run(outputs_of, places):
        changed = outputs_of(mutants(window, places))
        return changed - outputs_of(window[None])

    reference = {
        effects.WHOLE: run(outputs_of, effects.checked_mutants()),
        effects.MIDDLE: run(outputs_of, middle(job)),
    }
    model = networks.load(job.inputs, "basset").to(job.device)

    def call(places, batch):
        return run(lambda found: predict(model, found, batch, job.device), places)

    few = range(0, effects.LENGTH, 25)
    batch, tried = effects.choose_batch(job, lambda size: call(few, size))
    found = {effects.WHOLE: call(effects.checked_mutants(), batch)}
    places = np.arange(len(effects.read_alleles(job, "snv")["start"]) // 2)
    clock, done = worker.Clock(), 0
    while clock.seconds < job.seconds:
        with clock.running():
            call(places, batch)
        done += 3 * len(places)
    return effects.result(
        done,
        clock.seconds,
        f"effects, batch {batch}, a pass a mutant",
        found,
        reference={key: values.tolist() for key, values in reference.items()},
        batch=batch,
        batches=tried,
    )


def middle(job):  # noqa: ARG001  (as the other workers have it)
    return effects.checked_mutants(effects.LENGTH // 2 - 3, effects.LENGTH // 2 + 4)


def variants_tiny(job):
    """VCF to a table: genome in memory as codes, all windows cut by one gather a batch."""
    length, fields = effects.TINY, ("chrom", "pos", "ref", "alt", "reference", "effect")
    codes = read_codes(job)
    model = networks.load(job.inputs, "tiny").to(job.device)
    out = job.inputs / "variants" / "plain.tsv"

    def cut(rows, shift=0):
        windows = np.empty((len(rows), length), np.uint8)
        for place, (chrom, position, _, _) in enumerate(rows):
            first = position - 1 - length // 2 + shift
            windows[place] = codes[chrom][first : first + length]
        changed = windows.copy()
        letters = np.array(["ACGT".index(alt) for _, _, _, alt in rows])
        changed[:, length // 2 - shift] = letters
        return windows, changed

    def call(batch):
        rows, found = effects.read_vcf(job), []
        with out.open("w", newline="") as handle:
            table = csv.writer(handle, delimiter="\t", lineterminator="\n")
            table.writerow(fields)
            for start in range(0, len(rows), batch):
                part = rows[start : start + batch]
                windows, changed = cut(part)
                before = predict(model, windows, batch, job.device)
                effect = predict(model, changed, batch, job.device) - before
                found.append(effect)
                for row, one, two in zip(part, before.tolist(), effect.tolist(), strict=True):
                    table.writerow((*row, f"{one:.6g}", f"{two:.6g}"))
        return {effects.CENTRE: np.concatenate(found)}

    checked = effects.read_vcf(job)[: effects.CHECKED_OF_FILE]
    outputs_of = exact(job, "tiny")
    reference = {}
    for name, shift in ((effects.CENTRE, 0), (effects.LEFT_OF_CENTRE, 1)):
        windows, changed = cut(checked, shift)
        reference[name] = (outputs_of(changed) - outputs_of(windows)).tolist()
    return effects.time_file(
        job,
        lambda: call(int(job.variant)),
        len(effects.read_vcf(job)),
        f"TSV, batch {job.variant}",
        reference=reference,
    )


def read_codes(job):
    genome = {}
    for block in (job.inputs / "genome.fa").read_text().split(">")[1:]:
        name, _, text = block.partition("\n")
        genome[name] = worker.codes_of_text([text.replace("\n", "")])[0]
    return genome


worker.main(
    {
        "snv": snv,
        "indel": indel,
        "ism": ism,
        "snv_recurrent": snv_recurrent,
        "variants_tiny": variants_tiny,
    }
)
