"""gReLU: intervals_to_strings, strings_to_one_hot, DFSeqDataset, LightningModel."""

import contextlib
import sys
import tempfile

import grelu.model.models
import pandas as pd
import torch
import worker
from basset import build_trunk, count_parameters
from grelu.data.dataset import DFSeqDataset
from grelu.lightning import LightningModel
from grelu.sequence.format import intervals_to_strings, strings_to_one_hot
from torch import nn
from torch.utils.data import DataLoader


def extract(job):
    frame = pd.DataFrame(worker.intervals(job), columns=["chrom", "start", "end"])
    genome = worker.fasta(job)
    return worker.time_whole(
        lambda rows: intervals_to_strings(rows, genome), frame, "str", worker.codes_of_text
    )


def one_hot(job):
    return worker.time_chunks(
        job,
        strings_to_one_hot,
        worker.chunked(worker.texts(job)),
        "float32 (n, 4, length)",
        lambda array: worker.codes_of_one_hot(array.numpy(), 1),
    )


def dataset(job, size):
    frame = pd.DataFrame({"sequence": worker.texts(job)[:size], "label": worker.labels(job)[:size]})
    # The constructor prints; the last line of this process is its result.
    with contextlib.redirect_stdout(sys.stderr):
        return DFSeqDataset(frame)


def loader(job):
    def make(size):
        # Without worker processes, which are slower here (its trainer takes one).
        return DataLoader(dataset(job, size), job.batch, shuffle=True, num_workers=0)

    return worker.time_loader(
        job,
        make,
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 1),
        "float32 (batch, 4, length)",
    )


class Head(nn.Module):
    """One logit, in gReLU's shape (n, tasks, 1)."""

    n_tasks = 1

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1000, 1)

    def forward(self, x):
        return self.linear(x).unsqueeze(2)


class Basset(grelu.model.models.BaseModel):
    def __init__(self, length):
        super().__init__(embedding=build_trunk(length), head=Head())


def train(job):
    # gReLU looks models up by name.
    grelu.model.models.Basset = Basset
    records = dataset(job, worker.samples(job))
    model = LightningModel(
        {"model_type": "Basset", "length": records.seq_len},
        {
            "task": "binary",
            "loss": "bce",
            "optimizer": "adam",
            "lr": 1e-3,
            "batch_size": job.batch,
            "num_workers": 1,
            "devices": "cpu",
            "max_epochs": 1,
            "save_dir": tempfile.mkdtemp(),
        },
    )
    torch.manual_seed(job.seed)
    with contextlib.redirect_stdout(sys.stderr):
        return worker.time_steps(
            job,
            lambda: model.train_on_dataset(records, dataset(job, job.batch)),
            precision="fp32",
            parameters=count_parameters(model.model),
        )


worker.main({"extract": extract, "one_hot": one_hot, "loader": loader, "train": train})
