"""CREsTED on Keras with torch: fetch_sequences, one_hot_encode_sequence, AnnDataWrapper."""

import os

os.environ["KERAS_BACKEND"] = "torch"

import contextlib
import sys
import time

import anndata
import crested
import keras
import numpy as np
import pandas as pd
import torch
import worker
from basset import CONVOLUTIONS
from crested.utils import fetch_sequences, one_hot_encode_sequence


def regions(job):
    return [f"{chrom}:{start}-{end}" for chrom, start, end in worker.intervals(job)]


def extract(job):
    genome = crested.Genome(worker.fasta(job))
    return worker.time_whole(
        lambda rows: fetch_sequences(rows, genome), regions(job), "str", worker.codes_of_text
    )


def one_hot(job):
    return worker.time_chunks(
        job,
        lambda chunk: [one_hot_encode_sequence(text, expand_dim=False) for text in chunk],
        worker.chunked(worker.texts(job)),
        "float32 (length, 4) each",
        lambda arrays: worker.codes_of_one_hot(np.stack(arrays), 2),
    )


def wrapper(job, size, validation):
    """The first `size` regions for training, and others for validation and test."""
    names = [*regions(job)[:size]]
    names += [f"chr2:{place}-{place + 1000}" for place in range(validation + 1)]
    data = anndata.AnnData(
        X=np.resize(worker.labels(job), (1, len(names))),
        var=pd.DataFrame(
            {"split": ["train"] * size + ["val"] * validation + ["test"]}, index=names
        ),
    )
    return crested.tl.data.AnnDataWrapper(
        data,
        genome=crested.Genome(worker.fasta(job)),
        batch_size=job.batch,
        always_reverse_complement=False,
        in_memory=True,
    )


def loader(job):
    return worker.time_loader(
        job,
        lambda size: wrapper(job, size, 1).create_dataloader("train", augment=True, shuffle=True),
        lambda batch: worker.codes_of_one_hot(batch[0].numpy(), 2),
        "float32 (batch, length, 4)",
    )


def build_basset(length):
    layers = keras.layers
    x = inputs = layers.Input((length, 4))
    for _, filters, width, pool in CONVOLUTIONS:
        x = layers.Conv1D(filters, width)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.MaxPooling1D(pool)(x)
    x = layers.Flatten()(x)
    for _ in range(2):
        x = layers.ReLU()(layers.BatchNormalization()(layers.Dense(1000)(x)))
        x = layers.Dropout(0.3)(x)
    return keras.Model(inputs, layers.Dense(1, activation="sigmoid")(x))


class Ticks(keras.callbacks.Callback):
    """Keras makes its own optimizer steps: its callback gives the times."""

    def __init__(self):
        super().__init__()
        self.ticks = []

    def on_train_batch_end(self, batch, logs=None):  # noqa: ARG002  (Keras's signature)
        self.ticks.append(time.perf_counter())


def train(job):
    data = wrapper(job, worker.samples(job), job.batch)
    model = build_basset(data.input_shape[-2])
    config = crested.tl.TaskConfig(
        keras.optimizers.Adam(1e-3),
        keras.losses.BinaryCrossentropy(),
        [keras.metrics.AUC(name="auroc")],
    )
    ticks = Ticks()
    keras.utils.set_random_seed(job.seed)
    with contextlib.redirect_stdout(sys.stderr):
        trainer = crested.tl.Crested(data=data, model=model, config=config)
        trainer.fit(
            epochs=1,
            model_checkpointing=False,
            early_stopping=False,
            learning_rate_reduce=False,
            save_dir=str(job.inputs / "crested"),
            custom_callbacks=[ticks],
        )
    parameters = sum(int(np.prod(weight.shape)) for weight in model.trainable_weights)
    return worker.steps_result(job, ticks.ticks, precision="fp32", parameters=parameters)


assert torch  # the backend
worker.main({"extract": extract, "one_hot": one_hot, "loader": loader, "train": train})
