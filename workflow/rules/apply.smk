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
    wildcard_constraints:
        run=f"(?!(?:{MATRIX['run']})/){RUN_NAME}",
    conda:
        "../../envs/predict.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=one_gpu,
    params:
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        code=code_digest("predict"),
    shell:
        "python -m bioseq_dl predict --model {input.model:q} --records {input.records:q}"
        " --examples {input.examples:q} --fold {wildcards.fold} --device {params.device}"
        " --threads {threads} --predictions {output.predictions:q} > {log:q} 2>&1"


use rule predict as predict_cells with:
    output:
        predictions=f"{MODEL}/predictions.parquet",
        # Of all cells of the fold: embedding, reconstruction error; and those of made outliers.
        cells=f"{MODEL}/cells.parquet",
        outliers=f"{MODEL}/outliers.parquet",
    wildcard_constraints:
        run=MATRIX["run"],


rule fetch_applied:
    """Find or download what trained models are applied to."""
    input:
        files_of_part,
    output:
        sources=f"{RESULTS}/runs/{{run}}/{{part}}/sources.json",
    log:
        f"{LOGS}/{{run}}/{{part}}/fetch.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/{{part}}/fetch.tsv"
    conda:
        "../../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        config=RESOLVED,
        settings=lambda wildcards: find_part(
            RUNS[wildcards.run], wildcards.part
        ).model_dump_json(),
        cache=CACHE,
        code=code_digest("fetch"),
    shell:
        "python -m bioseq_dl fetch --config {params.config:q} --run {wildcards.run} {params.cache}"
        " --part {wildcards.part} --out {output.sources:q} > {log:q} 2>&1"


rule variants:
    """Score a part of a VCF with all models of the run."""
    input:
        sources=f"{VARIANTS}/sources.json",
        models=scoring_models,
    output:
        vcf=temp(f"{VARIANTS}/parts/{{scatteritem}}.vcf.gz"),
        table=temp(f"{VARIANTS}/parts/{{scatteritem}}.parquet"),
        summary=temp(f"{VARIANTS}/parts/{{scatteritem}}.json"),
    log:
        f"{LOGS}/{{run}}/variants/{{name}}/{{scatteritem}}.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/variants/{{name}}/{{scatteritem}}.tsv"
    conda:
        "../../envs/variants.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=24 * 60,
        gpu=one_gpu,
    params:
        config=RESOLVED,
        settings=lambda wildcards: RUNS[wildcards.run]
        .variants[wildcards.name]
        .model_dump_json(),
        part=lambda wildcards: wildcards.scatteritem.replace("-of-", "/"),
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        cache=CACHE,
        code=code_digest("variants"),
    shell:
        "python -m bioseq_dl variants --config {params.config:q} --run {wildcards.run}"
        " --name {wildcards.name} --sources {input.sources:q} {params.cache} --model {input.models:q}"
        " --device {params.device} --threads {threads} --part {params.part}"
        " --out {output.vcf:q} --table {output.table:q} --summary {output.summary:q}"
        " > {log:q} 2>&1"


rule gather:
    """Put the parts of a scored VCF together, in order, and index it where it is sorted."""
    input:
        vcfs=gather.variants(f"{PARTS}.vcf.gz"),
        tables=gather.variants(f"{PARTS}.parquet"),
        summaries=gather.variants(f"{PARTS}.json"),
    output:
        # A folder, since an unsorted VCF has no index; and so the index stays the younger file.
        folder=directory(f"{VARIANTS}/vcf"),
        table=f"{VARIANTS}/variants.parquet",
        summary=f"{VARIANTS}/vcf.json",
    log:
        f"{LOGS}/{{run}}/variants/{{name}}/gather.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/variants/{{name}}/gather.tsv"
    conda:
        "../../envs/gather.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 2000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
    params:
        vcf=f"{VARIANTS}/vcf/variants.vcf.gz",
        code=code_digest("gather"),
    shell:
        "python -m bioseq_dl gather --vcf {input.vcfs:q} --tables {input.tables:q}"
        " --summaries {input.summaries:q} --out-vcf {params.vcf:q} --out-table {output.table:q}"
        " --out-summary {output.summary:q} > {log:q} 2>&1"


rule mutations:
    """Score a table of mutations of one sequence with all models of the run."""
    input:
        sources=f"{VARIANTS}/sources.json",
        models=scoring_models,
    output:
        table=f"{VARIANTS}/mutations.parquet",
        summary=f"{VARIANTS}/mutations.json",
    log:
        f"{LOGS}/{{run}}/variants/{{name}}/mutations.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/variants/{{name}}/mutations.tsv"
    conda:
        "../../envs/variants.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=one_gpu,
    params:
        config=RESOLVED,
        settings=lambda wildcards: RUNS[wildcards.run]
        .variants[wildcards.name]
        .model_dump_json(),
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        cache=CACHE,
        code=code_digest("variants"),
    shell:
        "python -m bioseq_dl variants --config {params.config:q} --run {wildcards.run}"
        " --name {wildcards.name} --sources {input.sources:q} {params.cache} --model {input.models:q}"
        " --device {params.device} --threads {threads}"
        " --table {output.table:q} --summary {output.summary:q} > {log:q} 2>&1"


rule explain:
    """Show what the models of the first fold look at."""
    input:
        sources=f"{EXPLAINED}/sources.json",
        records=of_run("ingest", "records.parquet"),
        examples=of_run("encode", "examples.safetensors"),
        models=lambda wildcards: models_of(wildcards.run, 0),
    output:
        summary=f"{EXPLAINED}/explain.json",
    log:
        f"{LOGS}/{{run}}/explain.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/explain.tsv"
    conda:
        "../../envs/explain.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=one_gpu,
    params:
        config=RESOLVED,
        part=part_of_run("explain"),
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        folder=subpath(output.summary, parent=True),
        cache=CACHE,
        code=code_digest("explain"),
    shell:
        "python -m bioseq_dl explain --config {params.config:q} --run {wildcards.run}"
        " --sources {input.sources:q} {params.cache} --records {input.records:q}"
        " --examples {input.examples:q} --model {input.models:q} --device {params.device}"
        " --threads {threads} --out {params.folder:q} > {log:q} 2>&1"


rule landscape:
    """Predict every single mutant of a protein, and propose designs."""
    input:
        records=of_run("ingest", "records.parquet"),
        examples=of_run("encode", "examples.safetensors"),
        models=lambda wildcards: models_of(
            wildcards.run, RUNS[wildcards.run].landscape.fold
        ),
    output:
        singles=f"{LANDSCAPE}/singles.tsv",
        designs=report(
            f"{LANDSCAPE}/designs.tsv",
            category="Designs",
            labels={"run": "{run}", "table": "variants to measure next"},
        ),
        summary=f"{LANDSCAPE}/landscape.json",
    log:
        f"{LOGS}/{{run}}/landscape.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/landscape.tsv"
    conda:
        "../../envs/landscape.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=one_gpu,
    params:
        config=RESOLVED,
        part=part_of_run("landscape"),
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        code=code_digest("landscape"),
    shell:
        "python -m bioseq_dl landscape --config {params.config:q} --run {wildcards.run}"
        " --records {input.records:q} --examples {input.examples:q} --model {input.models:q}"
        " --device {params.device} --threads {threads} --singles {output.singles:q}"
        " --designs {output.designs:q} --summary {output.summary:q} > {log:q} 2>&1"


rule saliency:
    """Tell which genes the networks of a fold look at, beside those that scanpy ranks."""
    input:
        examples=of_run("encode", "examples.safetensors"),
        models=lambda wildcards: models_of(
            wildcards.run, RUNS[wildcards.run].saliency.fold
        ),
    output:
        genes=report(
            f"{SALIENCY}/genes.tsv",
            category="Results",
            labels={"run": "{run}", "table": "genes of each class"},
        ),
        summary=f"{SALIENCY}/saliency.json",
    log:
        f"{LOGS}/{{run}}/saliency.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/saliency.tsv"
    conda:
        "../../envs/saliency.yaml"
    threads: lambda wildcards: RUNS[wildcards.run].train.threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 240 * attempt,
        gpu=one_gpu,
    params:
        config=RESOLVED,
        part=part_of_run("saliency"),
        device=lambda wildcards: RUNS[wildcards.run].train.device,
        code=code_digest("saliency"),
    shell:
        "python -m bioseq_dl saliency --config {params.config:q} --run {wildcards.run}"
        " --examples {input.examples:q} --model {input.models:q} --device {params.device}"
        " --threads {threads} --genes {output.genes:q} --summary {output.summary:q}"
        " > {log:q} 2>&1"


rule annotate:
    """Give the cells back with predictions and embedding, ready for scanpy."""
    input:
        records=of_run("ingest", "records.parquet"),
        matrix=of_run("ingest", "matrix.safetensors"),
        cells=lambda wildcards: [
            f"{Path(model).parent}/cells.parquet" for model in models_of(wildcards.run)
        ],
        metrics=f"{RESULTS}/runs/{{run}}/evaluation/metrics.json",
    output:
        cells=f"{RESULTS}/runs/{{run}}/cells.h5ad",
    log:
        f"{LOGS}/{{run}}/annotate.log",
    benchmark:
        f"{BENCHMARKS}/{{run}}/annotate.tsv"
    conda:
        "../../envs/annotate.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 8000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=RESOLVED,
        part=part_of_run("annotate"),
        code=code_digest("annotate"),
    shell:
        "python -m bioseq_dl annotate --config {params.config:q} --run {wildcards.run}"
        " --records {input.records:q} --cells {input.cells:q} --metrics {input.metrics:q}"
        " --out {output.cells:q} > {log:q} 2>&1"
