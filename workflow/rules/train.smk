rule train:
    """Train one model; continues where an interrupted training stopped."""
    input:
        initial_weights,
        tuned=tuned_values,
        examples=of_run("encode", "examples.safetensors"),
    output:
        model=f"{MODEL}/model.pt",
        history=report(
            f"{MODEL}/history.csv",
            category="Training",
            labels={"run": "{run}", "fold": "{fold}", "seed": "{seed}"},
        ),
        summary=f"{MODEL}/train.json",
    log:
        f"{LOGS}/{{run}}/fold{{fold}}/seed{{seed}}/train.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/fold{{fold}}/seed{{seed}}/train.tsv"
    conda:
        "../../envs/train.yaml"
    threads: training_threads
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=24 * 60,
        gpu=training_gpus,
    params:
        config=RESOLVED,
        part=part_of_run("train"),
        code=code_digest("train"),
        tuned=lambda wildcards, input: "--tuned" if input.tuned else "",
    shell:
        "python -m bioseq_dl train --config {params.config:q} --run {wildcards.run} --examples {input.examples:q}"
        " --fold {wildcards.fold} --seed {wildcards.seed} --threads {threads} {params.tuned} {input.tuned:q}"
        " --model {output.model:q} > {log:q} 2>&1"


rule baseline:
    """Fit a simple model on the same folds, for an honest comparison."""
    input:
        records=f"{DATA}/records.parquet",
        examples=rules.encode.output.examples,
    output:
        predictions=f"{ENCODED}/baselines-{{baselines}}/{{baseline}}-fold{{fold}}.parquet",
    log:
        f"{LOGS}/{{ingest}}/{{split}}/{{encode}}/{{baselines}}/{{baseline}}-fold{{fold}}.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/{{split}}/{{encode}}/{{baselines}}/{{baseline}}-fold{{fold}}.tsv"
    conda:
        "../../envs/baseline.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("baseline", wildcards.baselines),
        code=code_digest("baseline"),
    shell:
        "python -m bioseq_dl baseline --config {params.config:q} --run {wildcards.baselines} --name {wildcards.baseline}"
        " --fold {wildcards.fold} --records {input.records:q} --examples {input.examples:q}"
        " --predictions {output.predictions:q} > {log:q} 2>&1"
