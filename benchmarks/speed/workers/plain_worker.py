"""Not a library: what the machine allows, and the loop that a user would write by hand.

The limits for extraction and one-hot, a DataLoader on float tensors, and bare training
loops: on Basset as plain torch (Conv1d), and on the very module that bioseq_dl trains.
"""

import time

import numpy as np
import torch
import worker
from basset import build_basset, count_parameters
from numpy.lib.stride_tricks import sliding_window_view
from torch import nn


def extract(job):
    """Gather from a flat file of bytes, the starts already known: the limit."""
    flat = job.inputs / "flat.bin"
    offsets, parts, total = {}, [], 0
    for block in (job.inputs / "genome.fa").read_text().split(">")[1:]:
        name, _, text = block.partition("\n")
        bases = text.replace("\n", "").encode("ascii")
        offsets[name] = total
        total += len(bases)
        parts.append(bases)
    flat.write_bytes(b"".join(parts))
    rows = worker.intervals(job)
    width = rows[0][2] - rows[0][1]
    starts = np.array([offsets[chrom] + start for chrom, start, _ in rows])
    windows = sliding_window_view(np.asarray(np.memmap(flat, np.uint8, "r")), width)
    return worker.time_whole(
        lambda chosen: windows[chosen],
        starts,
        "uint8 ASCII (n, length)",
        lambda found: worker.codes_of_text([row.tobytes() for row in found]),
    )


def one_hot(job):
    """Compare codes with four letters, into one reused buffer: the limit."""
    letters = torch.arange(4, dtype=torch.uint8).view(4, 1)
    chunks = [
        torch.from_numpy(worker.codes_of_text(chunk))
        for chunk in worker.chunked(worker.sequences(job))
    ]
    dtype = getattr(torch, job.variant)
    buffer = torch.empty((worker.CHUNK, 4, chunks[0].shape[1]), dtype=dtype)

    def encode(codes):
        found = buffer[: len(codes)]
        return torch.eq(codes.unsqueeze(1), letters, out=found)

    return worker.time_chunks(
        job,
        encode,
        chunks,
        f"{job.variant} (n, 4, length), buffer reused",
        lambda columns: worker.codes_of_one_hot(columns.numpy(), 1),
    )


def columns_of(job, size):
    codes = torch.from_numpy(worker.codes_of_text(worker.sequences(job)[:size]))
    return (codes.unsqueeze(1) == torch.arange(4, dtype=torch.uint8).view(4, 1)).float()


def loader(job):
    """A TensorDataset of floats that fit into memory (16 kB a sample)."""
    size = len(worker.loaded(job))
    data = torch.utils.data.TensorDataset(
        columns_of(job, size), torch.from_numpy(worker.labels(job)[:size])
    )

    def make(count):
        part = torch.utils.data.Subset(data, range(count))
        return torch.utils.data.DataLoader(part, job.batch, shuffle=True)

    return worker.time_loader(
        job,
        make,
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 1),
        "float32 (batch, 4, length), whole set in memory",
    )


def train(job):
    """Variants: conv1d or own (the module), fp32 or bf16, for example ``own-bf16``."""
    module, precision = job.variant.split("-")
    columns = columns_of(job, worker.samples(job))
    targets = torch.from_numpy(worker.labels(job)[: len(columns), None])
    torch.manual_seed(job.seed)
    model = build_basset(columns.shape[2]) if module == "conv1d" else own_basset(columns.shape[2])
    model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    loss = nn.BCEWithLogitsLoss()
    ticks = []
    for start in range(0, len(columns), job.batch):
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            value = loss(
                model(columns[start : start + job.batch]), targets[start : start + job.batch]
            )
        value.backward()
        optimizer.step()
        optimizer.zero_grad()
        ticks.append(time.perf_counter())
    return worker.steps_result(job, ticks, precision=precision, parameters=count_parameters(model))


def own_basset(length):
    from bioseq_dl.config import Model
    from bioseq_dl.models.sequence import build_model
    from bioseq_dl.models.shape import Shape

    return build_model(
        Model(preset="basset"), Shape(letters=4, length=length, targets=1, classes=1)
    )


worker.main({"extract": extract, "one_hot": one_hot, "loader": loader, "train": train})
