rule evaluate:
    """Metrics with intervals, beside the baselines and the published figures."""
    input:
        records=of_run("ingest", "records.parquet"),
        models=lambda wildcards: [
            f"{folder}/predictions.parquet" for folder in models_of(wildcards.run)
        ],
        baselines=lambda wildcards: baselines_of(wildcards.run),
    output:
        metrics=f"{RESULTS}/runs/{{run}}/evaluation/metrics.json",
        table=report(
            f"{RESULTS}/runs/{{run}}/evaluation/metrics.tsv",
            category="Results",
            labels={"run": "{run}", "table": "metrics"},
        ),
        comparisons=report(
            f"{RESULTS}/runs/{{run}}/evaluation/comparisons.tsv",
            category="Results",
            labels={"run": "{run}", "table": "against the baselines"},
        ),
        errors=report(
            f"{RESULTS}/runs/{{run}}/evaluation/errors.tsv",
            category="Results",
            labels={"run": "{run}", "table": "where the model errs"},
        ),
    log:
        f"{LOGS}/{{run}}/evaluate.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/evaluate.tsv"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=120,
    params:
        settings=settings_of_run("evaluate"),
        code=code_digest("evaluate"),
    conda:
        "../../envs/evaluate.yaml"
    shell:
        "python -m bioseq_dl evaluate --settings {params.settings:q} --records {input.records:q}"
        " --models {input.models:q} --baselines {input.baselines:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"
