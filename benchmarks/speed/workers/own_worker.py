"""bioseq_dl: open_genome and extract, Alphabet.encode and one_hot, feed_batch, fit_model."""

import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import worker

from bioseq_dl.config import Model, Targets, Train
from bioseq_dl.data.batches import plan_batches
from bioseq_dl.data.examples import read_examples, write_examples
from bioseq_dl.data.feed import feed_batch
from bioseq_dl.data.one_hot import one_hot as columns_of
from bioseq_dl.encode.alphabet import DNA
from bioseq_dl.encode.examples import ROLES, Examples, hash_ids
from bioseq_dl.io.genome import extract as cut
from bioseq_dl.io.genome import open_genome
from bioseq_dl.train.fit import Job, fit_model

TARGETS = Targets(kind="binary", names=("label",))


def extract(job):
    genome = open_genome(worker.fasta(job), job.inputs / "own-cache")
    rows = worker.intervals(job)
    names = [chrom for chrom, _, _ in rows]
    if job.variant == "numbers":
        places = {name: place for place, name in enumerate(genome.contigs)}
        names = np.array([places[name] for name in names])
    starts = np.array([start for _, start, _ in rows])
    width = rows[0][2] - rows[0][1]
    # time_whole hands the records on: here they are two columns.
    return worker.time_whole(
        lambda part: cut(
            genome, names[part.start : part.stop], starts[part.start : part.stop], width
        ),
        range(len(rows)),
        "uint8 ASCII (n, length)",
        lambda found: worker.codes_of_text([row.tobytes() for row in found]),
    )


def cache(job):
    """Build the genome's flat cache, once a FASTA: counts megabases."""
    clock = worker.Clock()
    with tempfile.TemporaryDirectory(dir=job.inputs) as folder:
        with clock.running():
            genome = open_genome(worker.fasta(job), folder)
        bases = len(genome.bases)
    return worker.result(bases / 1e6, clock.seconds, "flat file of bytes")


def one_hot(job):
    chunks = worker.chunked(worker.sequences(job))
    width = chunks[0].dtype.itemsize
    if job.variant == "codes":
        records = [torch.from_numpy(worker.codes_of_text(chunk)) for chunk in chunks]
        output = "float32 (n, 4, length), from the stored codes"
        call = columns_of
    else:
        records = [Letters(chunk.tobytes(), width) for chunk in chunks]
        output = "float32 (n, 4, length), from letters"

        def call(record):
            codes = DNA.encode(record.letters).reshape(-1, width)
            return columns_of(torch.from_numpy(codes))

    return worker.time_chunks(
        job, call, records, output, lambda found: worker.codes_of_one_hot(found.numpy(), 1)
    )


class Letters:
    """A chunk as one run of bytes that knows how many sequences it holds."""

    def __init__(self, letters, width):
        self.letters = letters
        self.width = width

    def __len__(self):
        return len(self.letters) // self.width


def examples_file(path, codes, labels, validation=0):
    """Write examples.safetensors: the first records train, the last `validation` validate."""
    roles = np.full((1, len(codes)), ROLES.index("train"), np.uint8)
    if validation:
        roles[:, -validation:] = ROLES.index("val")
    examples = Examples(
        codes=codes.reshape(-1),
        offsets=np.arange(len(codes) + 1, dtype=np.int64) * codes.shape[1],
        targets=labels[:, None].astype(np.float32),
        roles=roles,
        spec=TARGETS,
        unknown="zeros",
        ids_sha256=hash_ids(str(row) for row in range(len(codes))),
    )
    write_examples(path, examples)
    return Path(path)


def loader(job):
    path = job.inputs / "loader.safetensors"
    size = len(worker.loaded(job))
    codes = worker.codes_of_text(worker.sequences(job)[:size])
    examples_file(path, codes, worker.labels(job)[:size])
    examples = read_examples(path)
    device = torch.device("cpu")

    def make(size):
        plan = plan_batches(examples.lengths, np.arange(size), job.batch, shuffle=True)
        for indices in plan:
            (columns, _), targets = feed_batch(examples, indices, device)
            yield columns, targets

    return worker.time_loader(
        job,
        make,
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 1),
        "float32 (batch, 4, length)",
    )


def fit(job, path, folder, epochs, **options):
    options = {"batch_size": job.batch} | options
    training = Train(epochs=epochs, precision=job.variant, threads=job.threads, **options)
    out = Path(folder) / "model.pt"
    fit_model(
        Job(
            task="dna_sequence",
            targets=TARGETS,
            model=Model(preset="basset"),
            train=training,
            examples=path,
            fold=0,
            seed=job.seed,
            out=out,
        ),
        lambda _: None,
    )
    return json.loads(out.with_name("train.json").read_text())


def train(job):
    """End to end, as ``bioseq-dl train`` does it: one epoch of the defaults."""
    size = worker.samples(job)
    with tempfile.TemporaryDirectory() as folder:
        path = examples_file(
            Path(folder) / "examples.safetensors",
            worker.codes_of_text(worker.sequences(job)[:size]),
            worker.labels(job)[:size],
        )
        summary = {}
        found = worker.time_steps(job, lambda: summary.update(fit(job, path, folder, epochs=1)))
    return found | {"precision": summary["precision"], "parameters": summary["parameters"]}


def score(job):
    """Validation AUROC after a short training on a planted motif, in a given precision."""
    codes, labels = plant(SCORE_RECORDS, 200, job.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = examples_file(Path(folder) / "examples.safetensors", codes, labels, SCORE_VALIDATION)
        summary = fit(job, path, folder, 3, batch_size=32, monitor="score", patience=None)
    return {
        "score": summary["kept_val_score"],
        "precision": summary["precision"],
        "count": summary["train_records"] * summary["epochs_run"],
        "seconds": summary["training_seconds"],
        "output": "validation AUROC",
        "checksum": "",
    }


SCORE_RECORDS = 4096
SCORE_VALIDATION = 2048


def plant(size, length, seed):
    """Random sequences; half hold a motif of 10 bases twice, each base kept with .9."""
    random = np.random.default_rng(seed)
    codes = random.integers(0, 4, (size, length), np.uint8)
    labels = (np.arange(size) % 2).astype(np.float32)
    random.shuffle(labels)
    motif = np.random.default_rng(7).integers(0, 4, 10, np.uint8)
    for row in np.repeat(np.flatnonzero(labels), 2):
        start = random.integers(0, length - 10)
        kept = random.random(10) < 0.9
        codes[row, start : start + 10][kept] = motif[kept]
    return codes, labels


worker.main(
    {
        "extract": extract,
        "cache": cache,
        "one_hot": one_hot,
        "loader": loader,
        "train": train,
        "score": score,
    }
)
