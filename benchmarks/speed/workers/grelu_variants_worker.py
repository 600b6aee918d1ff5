"""gReLU: predict_variant_effects (from a table and a genome), ISM_predict.

It lets torch round the factors of products to bf16 where the processor has it
(`torch.set_float32_matmul_precision("medium")`, in every prediction). Variant ``fp32`` keeps it
from doing so.
"""

import contextlib
import logging
import sys
import tempfile

import effects
import grelu.model.models
import networks
import numpy as np
import pandas as pd
import torch
import worker
from grelu.interpret.score import ISM_predict
from grelu.lightning import LightningModel
from grelu.variant import filter_variants, predict_variant_effects
from torch import nn

BATCH = 64
"""Its default."""


class Head(nn.Module):
    """The last layer, in gReLU's shape (n, tasks, 1)."""

    n_tasks = 1

    def __init__(self, linear):
        super().__init__()
        self.linear = linear

    def forward(self, x):
        return self.linear(x).unsqueeze(2)


class Loaded(grelu.model.models.BaseModel):
    def __init__(self, inputs, name):
        model = networks.load(inputs, name)
        super().__init__(embedding=model[:-1], head=Head(model[-1]))


def build(job, name):
    """Wrap a network for gReLU, with the output as it is: regression, no activation."""
    if job.variant == "fp32":
        torch.set_float32_matmul_precision = lambda _: None
    # gReLU looks models up by name.
    grelu.model.models.Loaded = Loaded
    logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)
    return LightningModel(
        {"model_type": "Loaded", "inputs": job.inputs, "name": name},
        {"task": "regression", "loss": "mse", "save_dir": tempfile.mkdtemp()},
    ).eval()


def precision(job):
    return "fp32" if job.variant == "fp32" else "medium (bf16 products)"


def devices(job):
    return "cpu" if job.device == "cpu" else 0


def score(job, model, frame, length):
    # Progress goes to stdout, whose last line is this process's result.
    with contextlib.redirect_stdout(sys.stderr):
        found = predict_variant_effects(
            frame,
            model,
            devices=devices(job),
            seq_len=length,
            batch_size=BATCH,
            genome=worker.fasta(job),
            compare_func="subtract",
            return_ad=False,
        )
    return np.asarray(found).reshape(-1)


def frame_of(table):
    """Alleles as gReLU reads them: chrom, pos (1-based), ref, alt; ``-`` is nothing."""
    spell = np.array(list("ACGT"))
    rows = []
    for row in range(len(table["start"])):
        start, end = (effects.LONGEST + table[key][row] for key in ("start", "end"))
        ref = "".join(spell[table["context"][row][start:end]]) or "-"
        alt = "".join(spell[table["alt"][row][: table["alt_length"][row]]]) or "-"
        rows.append((str(table["chrom"][row]), int(table["position"][row]), ref, alt))
    return pd.DataFrame(rows, columns=["chrom", "pos", "ref", "alt"])


def score_snv(job, name):
    model, length = build(job, name), networks.LENGTHS[name]
    frame = frame_of(effects.read_alleles(job, "snv"))
    return effects.time_rows(
        job,
        lambda rows: {
            effects.LEFT_OF_CENTRE: score(
                job, model, frame.iloc[rows].reset_index(drop=True), length
            )
        },
        len(frame),
        f"effects, batch {BATCH}, 2 passes an allele",
        batch=BATCH,
        precision=precision(job),
    )


def snv(job):
    return score_snv(job, "basset")


def snv_recurrent(job):
    return score_snv(job, "danq")


def indel(job):
    frame = frame_of(effects.read_alleles(job, "indel"))
    with contextlib.redirect_stdout(sys.stderr):
        kept = filter_variants(frame)
    if len(kept) == 0:
        raise SystemExit(
            "cannot: filter_variants drops every indel (max_insert_len=0, max_del_len=0), and "
            "predict_variant_effects puts alleles in without holding the window's length"
        )
    raise SystemExit("filter_variants keeps indels now: extend this worker")


def ism(job):
    """All four letters a place, by full passes; the three mutants are counted."""
    model = build(job, "basset")
    window = effects.read_windows(job)[0]
    text = "".join(np.array(list("ACGT"))[window])
    reach = len(effects.read_alleles(job, "snv")["start"]) // 4
    first, last = effects.LENGTH // 2 - reach, effects.LENGTH // 2 + reach
    places = effects.checked_mutants(effects.LENGTH // 2 - 3, effects.LENGTH // 2 + 4)

    def call(start, end):
        with contextlib.redirect_stdout(sys.stderr):
            found = ISM_predict(
                text,
                model,
                start_pos=start,
                end_pos=end,
                compare_func="subtract",
                devices=devices(job),
                batch_size=BATCH,
                return_df=False,
            )
        return np.asarray(found).reshape(end - start, 4)

    picked = effects.pick_mutants(call(places[0], places[-1] + 1), window, places, places[0])
    clock, done = worker.Clock(), 0
    while clock.seconds < job.seconds:
        with clock.running():
            call(first, last)
        done += 3 * (last - first)
    return effects.result(
        done,
        clock.seconds,
        f"effects, batch {BATCH}, 4 passes a place",
        {effects.MIDDLE: picked},
        batch=BATCH,
        precision=precision(job),
    )


def variants_tiny(job):
    """VCF to a table; gReLU has no reader of VCF, pandas is what its tutorials take."""
    model = build(job, "tiny")
    names = ["chrom", "pos", "id", "ref", "alt", "qual", "filter", "info"]
    out = job.inputs / "variants" / "grelu.tsv"
    # At some thousands a second a part of the file tells the rate.
    rows = 20_000

    def call():
        frame = pd.read_csv(effects.vcf_path(job), sep="\t", comment="#", names=names, nrows=rows)
        frame["effect"] = score(job, model, frame, effects.TINY)
        frame.to_csv(out, sep="\t", index=False)
        return {effects.LEFT_OF_CENTRE: frame["effect"].to_numpy()}

    count = min(rows, len(effects.read_vcf(job)))
    return effects.time_file(job, call, count, f"TSV, batch {BATCH}", precision=precision(job))


torch.set_grad_enabled(False)
worker.main(
    {
        "snv": snv,
        "indel": indel,
        "ism": ism,
        "snv_recurrent": snv_recurrent,
        "variants_tiny": variants_tiny,
    }
)
