rule predict:
    """Apply a trained model to the validation and test records."""
    input:
        model=rules.train.output.model,
        records=of_run("ingest", "records.parquet"),
        examples=of_run("encode", "examples.safetensors"),
    output:
        predictions=f"{MODEL}/predictions.parquet",
    log:
        f"{LOGS}/{{run}}/fold{{fold}}/seed{{seed}}/predict.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/fold{{fold}}/seed{{seed}}/predict.tsv"
    conda:
        "../../envs/predict.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=240,
        gpu=gpus,
    params:
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        code=code_digest("predict"),
    shell:
        "python -m bioseq_dl predict --model {input.model:q} --records {input.records:q}"
        " --examples {input.examples:q} --fold {wildcards.fold} --device {params.device}"
        " --threads {threads} --predictions {output.predictions:q} > {log:q} 2>&1"
