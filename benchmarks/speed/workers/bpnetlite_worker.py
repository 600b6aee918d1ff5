"""bpnet-lite: PeakNegativeSampler, and BPNet.fit with a Basset as its body."""

import contextlib
import os
import sys
import tempfile

import torch
import worker
from basset import build_trunk, count_parameters
from bpnetlite.bpnet import BPNet
from bpnetlite.io import PeakNegativeSampler
from tangermeme.utils import one_hot_encode
from torch import nn


def batches(job, size):
    """As PeakGenerator makes them, from sequences: half of the records are the peaks."""
    joined = one_hot_encode("".join(worker.texts(job)[:size]))
    columns = joined.reshape(4, size, -1).transpose(0, 1).contiguous()
    # Jitter is at least one base there: one column more on both sides.
    columns = nn.functional.pad(columns, (0, 2))
    signals = torch.from_numpy(worker.labels(job)[:size]).reshape(size, 1, 1)
    signals = nn.functional.pad(signals, (0, 2))
    half = size // 2
    sampler = PeakNegativeSampler(
        columns[:half],
        signals[:half],
        columns[half:],
        signals[half:],
        negative_ratio=1.0,
        in_window=columns.shape[2] - 2,
        out_window=1,
        max_jitter=1,
        random_state=job.seed,
    )
    return torch.utils.data.DataLoader(sampler, batch_size=job.batch, num_workers=0)


def loader(job):
    # Negatives are drawn with replacement: the output cannot be compared as a set.
    result = worker.time_loader(
        job,
        lambda size: batches(job, size),
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 1),
        "int8 (batch, 4, length)",
    )
    return result | {"checksum": ""}


class Basset(BPNet):
    """A Basset where BPNet has its convolutions; a profile of one position."""

    def __init__(self, length):
        super().__init__(n_filters=1, n_layers=1, n_outputs=1, n_control_tracks=0, verbose=False)
        for name in ("iconv", "irelu", "rconvs", "rrelus", "fconv", "linear"):
            delattr(self, name)
        self.trunk = build_trunk(length)
        self.count = nn.Linear(1000, 1)

    def forward(self, X, X_ctl=None):  # noqa: ARG002  (BPNet's signature)
        count = self.count(self.trunk(X))
        return count.unsqueeze(2), count


def train(job):
    size = worker.samples(job)
    model = Basset(len(worker.sequences(job)[0]))
    torch.manual_seed(job.seed)
    dtype = job.variant or "float32"
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    training = batches(job, size)
    parameters = count_parameters(model)
    valid = torch.stack([training.dataset[place][0] for place in range(job.batch)])

    def fit():
        # fit writes the model to the working directory.
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
            os.chdir(folder)
            model.fit(
                training,
                optimizer,
                X_valid=valid,
                y_valid=torch.ones(job.batch, 1, 1),
                max_epochs=1,
                batch_size=job.batch,
                dtype=dtype,
                device="cpu",
            )
            os.chdir("/")

    precision = "bf16" if dtype == "bfloat16" else "fp32"
    return worker.time_steps(job, fit, precision=precision, parameters=parameters)


worker.main({"loader": loader, "train": train})
