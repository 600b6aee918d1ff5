rule evaluate:
    """Metrics with intervals, beside the baselines and the published figures."""
    input:
        records=of_run("ingest", "records.parquet"),
        models=predictions_of,
        baselines=baselines_of,
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
    conda:
        "../../envs/evaluate.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=RESOLVED,
        part=part_of_run("evaluate"),
        code=code_digest("evaluate"),
    shell:
        "python -m bioseq_dl evaluate --config {params.config:q} --run {wildcards.run} --records {input.records:q}"
        " --models {input.models:q} --baselines {input.baselines:q}"
        " --metrics {output.metrics:q} > {log:q} 2>&1"


rule report:
    """Tell people what was found, and how sure one can be."""
    input:
        metrics=expand(f"{RESULTS}/runs/{{run}}/evaluation/metrics.json", run=RUNS),
        searches=searches(),
        variants=scored_variants(),
        explanations=explanations(),
        landscapes=landscapes(),
        saliencies=saliencies(),
    output:
        page=report(
            f"{RESULTS}/report/report.html",
            category="Results",
            labels={"page": "the whole report"},
        ),
        summary=f"{RESULTS}/report/summary.txt",
    log:
        f"{LOGS}/report.log",
    benchmark:
        f"{BENCHMARKS}/report.tsv"
    conda:
        "../../envs/report.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=RESOLVED,
        part=CONFIG.model_dump_json(),
        code=code_digest("report"),
    shell:
        "python -m bioseq_dl report --config {params.config:q} --out {output.page:q}"
        " --summary {output.summary:q} > {log:q} 2>&1"
