"""tangermeme: extract_loci (all intervals a call), one_hot_encode."""

import numpy as np
import pandas as pd
import torch
import worker
from tangermeme.io import extract_loci
from tangermeme.utils import PackedSequence, one_hot_encode


def extract(job):
    loci = pd.DataFrame(worker.intervals(job), columns=["chrom", "start", "end"])
    packed = job.variant == "packed"

    def call(rows):
        return extract_loci(
            rows,
            worker.fasta(job),
            in_window=int(loci["end"][0] - loci["start"][0]),
            n_jobs=job.threads,
            return_packed=packed,
        )

    def to_codes(found):
        return worker.codes_of_one_hot((found.to_one_hot() if packed else found).numpy(), 1)

    output = "PackedSequence" if packed else "int8 one-hot (n, 4, length)"
    return worker.time_whole(call, loci, output, to_codes)


def loader(job):
    """A packed set in memory, a shuffled batch of it decoded at a time."""
    labels = torch.from_numpy(worker.labels(job)[: len(worker.loaded(job))])
    joined = "".join(worker.texts(job)[: len(labels)])
    whole = one_hot_encode(joined)
    whole = whole.reshape(4, len(labels), -1).transpose(0, 1).contiguous()
    packed = PackedSequence.from_one_hot(whole)

    def make(size):
        for indices in torch.randperm(size).split(job.batch):
            yield packed[indices].to_one_hot(dtype=torch.float32), labels[indices]

    return worker.time_loader(
        job,
        make,
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 1),
        "float32 (batch, 4, length)",
    )


def one_hot(job):
    # One call on a long sequence is its fast way; a call a sequence is the other variant.
    rows = worker.texts(job)
    width = len(rows[0])
    if job.variant == "each":
        return worker.time_chunks(
            job,
            lambda chunk: [one_hot_encode(text) for text in chunk],
            worker.chunked(rows),
            "int8 (4, length) each",
            lambda arrays: worker.codes_of_one_hot(torch.stack(arrays).numpy(), 1),
        )

    chunks = ["".join(chunk) for chunk in worker.chunked(rows)]
    check = worker.checksum(
        np.concatenate(
            [
                worker.codes_of_one_hot(one_hot_encode(text).numpy(), 0).reshape(-1, width)
                for text in chunks[: worker.CHECKED // worker.CHUNK]
            ]
        )
    )
    clock, done = worker.Clock(), 0
    while clock.seconds < worker.SHORTEST:
        for text in chunks:
            with clock.running():
                one_hot_encode(text, n_jobs=job.threads)
            done += len(text)
    return worker.result(done / 1e6, clock.seconds, "int8 (4, bases), one long sequence", check)


worker.main({"extract": extract, "one_hot": one_hot, "loader": loader})
