"""Selene: Genome, H5DataLoader, MultiSampler, TrainModel."""

import tempfile
from pathlib import Path

import h5py
import numpy as np
import torch
import worker
from basset import build_basset, count_parameters
from selene_sdk.samplers import MultiSampler
from selene_sdk.samplers.dataloader import H5DataLoader, _H5Dataset
from selene_sdk.sequences import Genome
from selene_sdk.train_model import TrainModel


def extract(job):
    genome = Genome(worker.fasta(job))
    return worker.time_one_by_one(
        job,
        lambda interval: genome.get_sequence_from_coords(*interval),
        worker.intervals(job),
        "str",
        worker.codes_of_text,
    )


def one_hot(job):
    return worker.time_chunks(
        job,
        lambda chunk: [Genome.sequence_to_encoding(text) for text in chunk],
        worker.chunked(worker.texts(job)),
        "float32 (length, 4) each",
        lambda arrays: worker.codes_of_one_hot(np.stack(arrays), 2),
    )


def batches(job, size, folder):
    """Selene's stored form, one-hot in HDF5, read into memory."""
    path = Path(folder) / f"{len(list(Path(folder).iterdir()))}.h5"
    codes = worker.codes_of_text(worker.sequences(job)[:size])
    with h5py.File(path, "w") as handle:
        eye = np.vstack([np.eye(4, dtype=np.uint8), np.zeros((1, 4), np.uint8)])
        handle["sequences"] = eye[codes]
        handle["targets"] = worker.labels(job)[:size, None]
    return H5DataLoader(_H5Dataset(str(path), in_memory=True), batch_size=job.batch, shuffle=True)


def loader(job):
    with tempfile.TemporaryDirectory() as folder:
        return worker.time_loader(
            job,
            lambda size: batches(job, size, folder),
            lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 2),
            "float32 (batch, length, 4)",
        )


def train(job):
    with tempfile.TemporaryDirectory() as folder:
        sampler = MultiSampler(
            batches(job, worker.samples(job), folder),
            batches(job, job.batch, folder),
            features=["label"],
        )
        length = len(worker.sequences(job)[0])
        model = build_basset(length)
        torch.manual_seed(job.seed)
        steps = job.warmup + job.steps + 1
        trainer = TrainModel(
            model,
            sampler,
            torch.nn.BCEWithLogitsLoss(),
            torch.optim.Adam,
            {"lr": 1e-3},
            batch_size=job.batch,
            max_steps=steps,
            report_stats_every_n_steps=10 * steps,
            save_checkpoint_every_n_steps=10 * steps,
            output_dir=folder,
            n_validation_samples=job.batch,
            cpu_n_threads=job.threads,
            logging_verbosity=0,
            scheduler_kwargs={"patience": 16, "factor": 0.8},
        )
        return worker.time_steps(
            job,
            trainer.train_and_validate,
            precision="fp32",
            parameters=count_parameters(model),
        )


worker.main({"extract": extract, "one_hot": one_hot, "loader": loader, "train": train})
