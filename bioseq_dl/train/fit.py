"""One model: from examples to a checkpoint, for one run, fold and seed."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from lightning_fabric.strategies.ddp import DDPStrategy
from numpy.typing import NDArray
from torch import Tensor, nn

from bioseq_dl.config import Targets, Train
from bioseq_dl.encode.examples import Encoded
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import check_writable, write_json
from bioseq_dl.provenance import hash_file, record_provenance
from bioseq_dl.tasks.registry import find_task
from bioseq_dl.tasks.task import Task
from bioseq_dl.train.checkpoint import (
    Checkpoint,
    read_state,
    state_key,
    write_checkpoint,
    write_state,
)
from bioseq_dl.train.claim import claim_model, is_finished
from bioseq_dl.train.device import Device, choose_device, set_determinism, set_threads
from bioseq_dl.train.feed import build_feed, load_loss, plan_epochs
from bioseq_dl.train.history import Epoch, Writer, log_epoch, write_history
from bioseq_dl.train.loop import Trained, train_model
from bioseq_dl.train.optimizer import build_optimizer
from bioseq_dl.train.precision import Precision, choose_precision
from bioseq_dl.train.processes import Log, Watch, run_together
from bioseq_dl.train.ranks import ALONE, Ranks, share_first
from bioseq_dl.train.rows import select_rows
from bioseq_dl.train.score import name_score
from bioseq_dl.train.signals import stop_signals


@dataclass(frozen=True)
class Job:
    """What is trained, and where it goes."""

    task: str
    targets: Targets
    model: Any
    """The section model of the task's runs."""
    train: Train
    examples: Path
    """examples.safetensors"""
    fold: int
    seed: int
    out: Path
    """model.pt; history.csv, train.json and the resume state stand beside it."""

    initial: Path | None = None
    """Weights to start from."""
    settings: Mapping[str, Any] | None = None
    """The part of the config that it comes from, to be noted in train.json."""

    @property
    def state(self) -> Path:
        """The resume state; gone once the training has ended."""
        return self.out.with_name("resume.pt")


def fit_model(job: Job, log: Log, watch: Watch = lambda _: None) -> None:
    """Train one model and write model.pt, history.csv and train.json.

    Parameters
    ----------
    job : Job
    log : callable
        Gets a line at a time.
    watch : callable
        Gets the learning curve after each epoch; what it raises ends the training there.

    Raises
    ------
    InputError
        Where device, precision or data do not allow it.
    Interrupted
        After SIGTERM or SIGUSR1, with the state saved; run again to go on.
    ProcessLost
        Where one of several processes was killed or failed; run again to go on.
    """
    device = choose_device(job.train)
    with claim_model(job.out, log) as waited:
        if waited and is_finished(job.out, _key(job, hash_file(job.examples))):
            log("the other process has finished this model")
            return
        if device.devices == 1:
            _fit(job, ALONE, log, watch)
        else:
            run_together(_fit, job, device.devices, device.accelerator, log, watch)


def _fit(job: Job, ranks: Ranks, log: Log, watch: Watch) -> None:
    """Train, as one process alone or as one of several."""
    with record_provenance() as provenance:
        device = choose_device(job.train)
        threads = set_threads(job.train.threads)
        task = find_task(job.task)
        examples: Encoded = task.load("open")(job.examples, job.fold)
        rows = select_rows(job.examples, job.fold, job.targets, examples)
        digest = hash_file(job.examples)
        key = _key(job, digest)
        state = read_state(job.state, key)
        set_determinism(job.seed)
        shape = task.load("take_shape")(job.targets, examples)
        model: nn.Module = task.load("build_model")(job.model, shape)
        if state is None:
            if job.initial is not None:
                task.load("load_initial")(model, job.initial)
            precision = share_first(
                ranks,
                _choose_precision(job, task, device, examples, rows["train"], model)
                if ranks.first
                else None,
            )
        else:
            precision = Precision(**state.pop("chosen_precision"))
        assert precision is not None
        parameters = sum(p.numel() for p in model.parameters() if p.requires_grad)
        together = "" if ranks.world == 1 else f"{ranks.world} processes, each of "
        log(f"device {device.name}, {together}{threads} threads ({device.reason})")
        log(f"precision {precision.name} ({precision.reason})")
        log(f"{parameters:,} parameters, {len(rows['train']):,} records to train on")
        if state is not None:
            log(f"resuming in epoch {state['progress']['epoch'] + 1}")
        if job.train.compile:
            model.compile()
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        fabric = Fabric(
            accelerator=device.accelerator,
            devices=device.devices,
            strategy=DDPStrategy() if ranks.world > 1 else "auto",
            # Not a scheduler's, whose variables may speak of other processes than these.
            plugins=[LightningEnvironment()],
            precision=precision.fabric,  # type: ignore[arg-type]
        )
        fabric.launch()
        set_threads(job.train.threads)  # launching several sets its own number
        set_determinism(job.seed)
        first = ranks.first
        if first:
            check_writable(job.out)

        def save(snapshot: dict[str, Any]) -> None:
            if first:
                write_state(job.state, key, snapshot | {"chosen_precision": asdict(precision)})

        writer = _open_tensorboard(job) if first and job.train.tensorboard else None

        def on_epoch(curve: list[Epoch]) -> None:
            if first:
                write_history(job.out.with_name("history.csv"), curve)
                log_epoch(writer, curve[-1])
                log(_describe(curve[-1], job))
                watch(curve)

        with stop_signals() as stop_asked:
            trained = train_model(
                fabric,
                model,
                build_optimizer(model, job.train),
                load_loss(job.train, job.targets, task, examples, rows["train"], fabric.device),
                build_feed(job.train, job.seed, job.targets, task, examples, rows, fabric, ranks),
                job.train,
                job.seed,
                ranks=ranks,
                state=state,
                save=save,
                on_epoch=on_epoch,
                stop_asked=stop_asked,
            )
    if not first:
        return
    progress = trained.progress
    kept = progress.best_epoch if job.train.keep == "best" else progress.epoch
    best = progress.history[kept - 1]
    summary = {
        "device": device.name,
        "device_reason": device.reason,
        "devices": device.devices,
        "threads": threads,
        "precision": precision.name,
        "precision_reason": precision.reason,
        "parameters": parameters,
        "train_records": len(rows["train"]),
        "val_records": len(rows["val"]),
        "epochs_run": progress.epoch,
        "epochs_planned": job.train.epochs,
        "kept_epoch": kept,
        "score": name_score(job.targets),
        "kept_val_loss": best["val_loss"],
        "kept_val_score": _known(best["val_score"]),
        "steps": progress.step,
        "samples_per_second": round(progress.samples / max(progress.seconds, 1e-9), 1),
        "training_seconds": round(progress.seconds, 3),
        "resumed": progress.resumed,
        "key": key,
        "examples_sha256": digest,
        "fold": job.fold,
        "seed": job.seed,
        "settings": job.settings,
    }
    if device.accelerator == "cuda":
        summary["gpu_peak_memory_bytes"] = torch.cuda.max_memory_allocated()
    write_json(job.out.with_name("train.json"), summary | provenance)
    write_checkpoint(job.out, _checkpoint(job, shape, examples, trained, kept, digest))
    job.state.unlink(missing_ok=True)


def _key(job: Job, digest: str) -> str:
    free = {"seeds", "checkpoint_seconds", "tensorboard", "threads"}
    return state_key(
        job.task,
        job.targets.model_dump_json(),
        job.model.model_dump_json(),
        job.train.model_dump_json(exclude=free),
        digest,
        f"fold {job.fold} seed {job.seed} torch {torch.__version__}",
    )


def _choose_precision(
    job: Job,
    task: Task,
    device: Device,
    examples: Encoded,
    rows: NDArray[np.int64],
    model: nn.Module,
) -> Precision:
    where = torch.device(device.accelerator)
    loss = load_loss(job.train, job.targets, task, examples, rows, where)
    plan = plan_epochs(job.train, job.seed, examples, rows)

    def trial(candidate: nn.Module, number: int) -> Tensor:
        inputs, targets = task.load("feed")(examples, plan(number)[0][:: device.devices], where)
        return loss(candidate(*inputs), targets)

    return choose_precision(job.train, device, model, trial)


def _known(score: float | None) -> float | None:
    """Give a number that JSON can hold: a score may have no value (constant labels)."""
    return score if score is not None and math.isfinite(score) else None


def _checkpoint(
    job: Job, shape: Any, examples: Encoded, trained: Trained, kept: int, digest: str
) -> Checkpoint:
    notes = {
        "fold": job.fold,
        "seed": job.seed,
        "kept_epoch": kept,
        "examples_sha256": digest,
    }
    return Checkpoint(
        task=job.task,
        model=job.model,
        shape=shape,
        targets=job.targets,
        unknown=examples.unknown,
        weights=trained.weights,
        notes=notes,
        fitted=examples.fitted,
    )


def _describe(row: Epoch, job: Job) -> str:
    text = f"epoch {row.epoch}/{job.train.epochs}: train loss {row.train_loss:.4f}"
    if row.val_loss is not None and row.val_score is not None:
        name = name_score(job.targets)
        text += f", val loss {row.val_loss:.4f}, val {name} {row.val_score:.4f}"
    return f"{text} ({row.seconds:.1f} s)"


def _open_tensorboard(job: Job) -> Writer:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise InputError(
            "train.tensorboard needs the package tensorboard",
            fix="install it (extra tensorboard), or set train.tensorboard: false",
        ) from None
    return SummaryWriter(str(job.out.with_name("tensorboard")))
