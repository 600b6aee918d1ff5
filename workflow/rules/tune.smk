rule tune_worker:
    """Train trials of a search; continues the one that it was stopped in.

    The study and the folders of trials are no outputs: Snakemake would delete them with the job.
    """
    input:
        initial_weights,
        examples=of_run("encode", "examples.safetensors"),
    output:
        told=f"{TUNE}/worker{{worker}}.json",
    log:
        f"{LOGS}/{{run}}/tune/fold{{fold}}/worker{{worker}}.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/tune/fold{{fold}}/worker{{worker}}.tsv"
    conda:
        "../../envs/tune.yaml"
    threads: training_threads
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=24 * 60,
        gpu=training_gpus,
    params:
        config=RESOLVED,
        storage=f"{TUNE}/study.journal",
        part=part_of_run("tune"),
        code=code_digest("tune"),
    shell:
        "python -m bioseq_dl tune --config {params.config:q} --run {wildcards.run} --examples {input.examples:q}"
        " --fold {wildcards.fold} --worker {wildcards.worker} --threads {threads}"
        " --storage {params.storage:q} --out {output.told:q} > {log:q} 2>&1"


rule choose_trial:
    """Choose the best trial of a fold's search, by validation records alone."""
    input:
        workers=workers_of,
    output:
        best=f"{TUNE}/best.json",
        trials=report(
            f"{TUNE}/trials.tsv",
            category="Training",
            labels={"run": "{run}", "fold": "{fold}", "table": "trials of the search"},
        ),
        history=f"{TUNE}/tune.json",
    log:
        f"{LOGS}/{{run}}/tune/fold{{fold}}/choose.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/tune/fold{{fold}}/choose.tsv"
    conda:
        "../../envs/choose.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=30,
    params:
        config=RESOLVED,
        storage=f"{TUNE}/study.journal",
        part=part_of_run("choose"),
        code=code_digest("choose"),
    shell:
        "python -m bioseq_dl choose --config {params.config:q} --run {wildcards.run} --fold {wildcards.fold}"
        " --storage {params.storage:q} --workers {input.workers:q} --best {output.best:q}"
        " --trials {output.trials:q} --history {output.history:q} > {log:q} 2>&1"
