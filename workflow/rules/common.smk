import json
import re
import shlex
import sys
from pathlib import Path

import yaml

REPOSITORY = Path(workflow.current_basedir).parents[1]
sys.path.insert(0, str(REPOSITORY))

from bioseq_dl.cli.fetch import find_part, list_sources
from bioseq_dl.config import RUN_NAME, validate_config
from bioseq_dl.errors import InputError
from bioseq_dl.io.atomic import write_text
from bioseq_dl.layout import (
    annotated_path,
    asks_saliency,
    baseline_folder,
    explain_folder,
    landscape_folder,
    list_baselines,
    list_models,
    model_folder,
    saliency_folder,
    stage_folder,
    tune_folder,
    variants_folder,
)
from bioseq_dl.provenance import TELL
from bioseq_dl.source_code import code_digest
from bioseq_dl.steps import stage_key, step_settings
from bioseq_dl.tasks.registry import find_task

# Under --sdm an env is activated before the prefix of a command, and its `python` must stay the
# first on PATH. Without, `python` is the one that runs Snakemake.
DEPLOYED = (
    workflow.deployment_settings and workflow.deployment_settings.deployment_method
)
OWN_PYTHON = (
    "" if DEPLOYED else f" PATH={shlex.quote(str(Path(sys.executable).parent))}:$PATH"
)

# A custom prefix replaces Snakemake's own, so it sets strict mode again; under conda,
# PYTHONPATH from outside is stripped, and this is how the library reaches each env. Clusters
# send SIGTERM to all processes of a job: the trap keeps the shell alive until its command, which
# saves its state first, has ended. Each log begins with the versions that the step ran with.
shell.prefix(
    f"set -euo pipefail; trap : TERM; export PYTHONPATH={shlex.quote(str(REPOSITORY))} PYTHONUNBUFFERED=1"
    f" {TELL}=1"
    f"{OWN_PYTHON}; "
)

try:
    CONFIG = validate_config(config, "config")
except InputError as error:
    raise WorkflowError(str(error))

RESULTS = CONFIG.results
RESOLVED = f"{RESULTS}/config.yaml"
RUNS = CONFIG.runs
LOGS = f"{RESULTS}/logs"
BENCHMARKS = f"{RESULTS}/benchmarks"
DATA = f"{RESULTS}/data/{{ingest}}"
SPLIT = f"{DATA}/{{split}}"
ENCODED = f"{SPLIT}/{{encode}}"
VARIANTS = f"{RESULTS}/runs/{{run}}/variants/{{name}}"
# As scattergather wants it: all wildcards but its own escaped.
PARTS = f"{RESULTS}/runs/{{{{run}}}}/variants/{{{{name}}}}/parts/{{scatteritem}}"
EXPLAINED = f"{RESULTS}/runs/{{run}}/explain"
SALIENCY = f"{RESULTS}/runs/{{run}}/saliency"
LANDSCAPE = f"{RESULTS}/runs/{{run}}/landscape"
TUNE = f"{RESULTS}/runs/{{run}}/tune/fold{{fold}}"
MODEL = f"{RESULTS}/runs/{{run}}/fold{{fold}}/seed{{seed}}"
CACHE = f"--cache {shlex.quote(CONFIG.cache)}" if CONFIG.cache else ""


# Snakemake itself would end in a traceback. Not for a dry run, which writes nothing.
def write_resolved_config():
    text = yaml.safe_dump(CONFIG.model_dump(mode="json"), sort_keys=False)
    try:
        write_text(RESOLVED, text)
    except InputError as error:
        raise WorkflowError(f"error: {error}")


wildcard_constraints:
    run=RUN_NAME,
    fold=r"\d+",
    seed=r"\d+",
    worker=r"\d+",
    ingest="[0-9a-f]{10}",
    split="[0-9a-f]{10}",
    encode="[0-9a-f]{10}",
    baselines="[0-9a-f]{10}",
    baseline="[a-z_]+",
    name=RUN_NAME,
    part="explain|variants/[^/]+",


# Runs with equal configs up to a stage share its results: the folder is a digest of them.
SHARING = {
    stage: {stage_key(run, stage): name for name, run in RUNS.items()}
    for stage in ("ingest", "split", "encode", "baseline")
}


# Of tasks on matrices ingest and encode write more: rules of their own, each with its folders.
MATRIX = {
    stage: "|".join(
        key
        for key, run_name in SHARING[stage].items()
        if find_task(RUNS[run_name].task).matrix
    )
    or "none"
    for stage in ("ingest", "encode")
}


MATRIX["run"] = (
    "|".join(
        re.escape(name) for name, run in RUNS.items() if find_task(run.task).matrix
    )
    or "-"
)


def part_of_stage(stage, key):
    return json.dumps(step_settings(RUNS[SHARING[stage][key]], stage), sort_keys=True)


def part_of_run(step):
    return lambda wildcards: json.dumps(
        step_settings(RUNS[wildcards.run], step), sort_keys=True
    )


def local_files(wildcards):
    ingest = RUNS[SHARING["ingest"][wildcards.ingest]].ingest
    return [source.path for source in list_sources(ingest) if source.path]


def files_of_encode(wildcards):
    encode = RUNS[SHARING["encode"][wildcards.encode]].encode
    return [source.path for source in list_sources(encode) if source.path]


def sources_of_cells(wildcards):
    # What encode reads is fetched apart: runs that share the cells may read other layouts.
    if list_sources(RUNS[SHARING["encode"][wildcards.encode]].encode):
        return rules.fetch_encoded.output.sources
    return rules.fetch.output.sources


def files_of_part(wildcards):
    section = find_part(RUNS[wildcards.run], wildcards.part)
    return [source.path for source in list_sources(section) if source.path]


def of_run(stage, name):
    return (
        lambda wildcards: f"{stage_folder(RESULTS, RUNS[wildcards.run], stage)}/{name}"
    )


def predictions_of(wildcards):
    run = RUNS[wildcards.run]
    return [
        f"{model_folder(RESULTS, wildcards.run, fold, seed)}/predictions.parquet"
        for fold, seed in list_models(run)
    ]


def models_of(run_name, fold=None):
    return [
        f"{model_folder(RESULTS, run_name, number, seed)}/model.pt"
        for number, seed in list_models(RUNS[run_name])
        if fold in (None, number)
    ]


def scoring_models(wildcards):
    return models_of(wildcards.run, RUNS[wildcards.run].variants[wildcards.name].fold)


def scored_variants():
    """What the report shows of every run's variants."""
    return [
        f"{variants_folder(RESULTS, run_name, name)}/{entry.format}.json"
        for run_name, run in RUNS.items()
        for name, entry in run.variants.items()
    ]


def initial_weights(wildcards):
    """A file that the training starts from, where the run names one."""
    source = getattr(RUNS[wildcards.run].model, "weights", None)
    return [source.path] if source is not None else []


def workers_of(wildcards):
    count = RUNS[wildcards.run].tune.workers
    return [
        f"{tune_folder(RESULTS, wildcards.run, wildcards.fold)}/worker{number}.json"
        for number in range(count)
    ]


def tuned_values(wildcards):
    """What the search of this fold chose, where the run has one."""
    if RUNS[wildcards.run].tune is None:
        return []
    return [f"{tune_folder(RESULTS, wildcards.run, wildcards.fold)}/best.json"]


def searches():
    return [
        f"{tune_folder(RESULTS, run_name, fold)}/tune.json"
        for run_name, run in RUNS.items()
        if run.tune is not None
        for fold in range(run.split.folds)
    ]


def explanations():
    return [
        f"{explain_folder(RESULTS, run_name)}/explain.json"
        for run_name, run in RUNS.items()
        if run.explain is not None
    ]


def saliencies():
    return [
        f"{saliency_folder(RESULTS, run_name)}/saliency.json"
        for run_name, run in RUNS.items()
        if asks_saliency(run)
    ]


def annotated_cells():
    return [
        annotated_path(RESULTS, run_name)
        for run_name, run in RUNS.items()
        if find_task(run.task).matrix
    ]


def landscapes():
    return [
        f"{landscape_folder(RESULTS, run_name)}/landscape.json"
        for run_name, run in RUNS.items()
        if run.landscape is not None
    ]


def split_threads(wildcards):
    # Alignments of many proteins take as many as they can get; Snakemake gives what it has.
    split = RUNS[SHARING["split"][wildcards.split]].split
    return 4 if split.audit.near_search == "identity" else 1


def baselines_of(wildcards):
    run = RUNS[wildcards.run]
    return [
        f"{baseline_folder(RESULTS, run)}/{name}-fold{fold}.parquet"
        for name in list_baselines(run)
        for fold in range(run.split.folds)
    ]


def training_threads(wildcards):
    train = RUNS[wildcards.run].train
    return train.threads * train.devices


# Of `device: auto` none: it takes a GPU that it finds, but does not ask for one.
def training_gpus(wildcards):
    train = RUNS[wildcards.run].train
    return train.devices if train.device == "cuda" else 0


def one_gpu(wildcards):
    return 1 if RUNS[wildcards.run].train.device == "cuda" else 0
