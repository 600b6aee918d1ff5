rule fetch:
    """Find or download every input and check its hash."""
    input:
        local_files,
    output:
        sources=f"{DATA}/sources.json",
    log:
        f"{LOGS}/{{ingest}}/fetch.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/fetch.tsv"
    conda:
        "../../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("ingest", wildcards.ingest),
        cache=CACHE,
        code=code_digest("fetch"),
    shell:
        "python -m bioseq_dl fetch --config {params.config:q} --run {wildcards.ingest} {params.cache}"
        " --out {output.sources:q} > {log:q} 2>&1"


rule ingest:
    """Read the inputs into records; count what had to be left out, and why."""
    input:
        sources=rules.fetch.output.sources,
    output:
        records=f"{DATA}/records.parquet",
        rejected=report(
            f"{DATA}/rejected.tsv",
            category="Data",
            labels={"data": "{ingest}", "table": "rejected records"},
        ),
        summary=f"{DATA}/ingest.json",
    log:
        f"{LOGS}/{{ingest}}/ingest.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/ingest.tsv"
    wildcard_constraints:
        ingest=f"(?!(?:{MATRIX['ingest']})(?![0-9a-f]))[0-9a-f]{{10}}",
    conda:
        "../../envs/ingest.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("ingest", wildcards.ingest),
        cache=CACHE,
        code=code_digest("ingest"),
    shell:
        "python -m bioseq_dl ingest --config {params.config:q} --run {wildcards.ingest} {params.cache}"
        " --sources {input.sources:q} --records {output.records:q}"
        " --rejected {output.rejected:q} --summary {output.summary:q} > {log:q} 2>&1"


use rule ingest as ingest_matrix with:
    output:
        records=f"{DATA}/records.parquet",
        rejected=report(
            f"{DATA}/rejected.tsv",
            category="Data",
            labels={"data": "{ingest}", "table": "rejected cells"},
        ),
        summary=f"{DATA}/ingest.json",
        matrix=f"{DATA}/matrix.safetensors",
    wildcard_constraints:
        ingest=MATRIX["ingest"],


rule split:
    """Give each record a fold, and stop where test records leak into training."""
    input:
        records=rules.ingest.output.records,
    output:
        folds=f"{SPLIT}/split.parquet",
        audit=f"{SPLIT}/audit.json",
        pairs=report(
            f"{SPLIT}/audit_pairs.tsv",
            category="Data",
            labels={"data": "{ingest}", "table": "leaking pairs"},
        ),
    log:
        f"{LOGS}/{{ingest}}/{{split}}/split.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/{{split}}/split.tsv"
    conda:
        "../../envs/split.yaml"
    threads: split_threads
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 120 * attempt,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("split", wildcards.split),
        code=code_digest("split"),
    shell:
        "python -m bioseq_dl split --config {params.config:q} --run {wildcards.split} --records {input.records:q}"
        " --folds {output.folds:q} --audit {output.audit:q} --pairs {output.pairs:q}"
        " --threads {threads} > {log:q} 2>&1"


rule encode:
    """Turn records into arrays."""
    input:
        records=rules.ingest.output.records,
        folds=rules.split.output.folds,
        sources=rules.fetch.output.sources,
    output:
        examples=f"{ENCODED}/examples.safetensors",
    log:
        f"{LOGS}/{{ingest}}/{{split}}/{{encode}}/encode.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/{{split}}/{{encode}}/encode.tsv"
    wildcard_constraints:
        encode=f"(?!(?:{MATRIX['encode']})(?![0-9a-f]))[0-9a-f]{{10}}",
    conda:
        "../../envs/encode.yaml"
    threads: 1
    resources:
        mem_mb=lambda wildcards, attempt: 4000 * attempt,
        runtime=lambda wildcards, attempt: 60 * attempt,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("encode", wildcards.encode),
        code=code_digest("encode"),
    shell:
        "python -m bioseq_dl encode --config {params.config:q} --run {wildcards.encode} --records {input.records:q}"
        " --folds {input.folds:q} --sources {input.sources:q}"
        " --examples {output.examples:q} > {log:q} 2>&1"


rule fetch_encoded:
    """Find or download what encode reads beside the cells: a given layout of genes."""
    input:
        files_of_encode,
    output:
        sources=f"{ENCODED}/sources.json",
    log:
        f"{LOGS}/{{ingest}}/{{split}}/{{encode}}/fetch.log",
    benchmark:
        f"{BENCHMARKS}/{{ingest}}/{{split}}/{{encode}}/fetch.tsv"
    conda:
        "../../envs/fetch.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        config=RESOLVED,
        part=lambda wildcards: part_of_stage("encode", wildcards.encode),
        cache=CACHE,
        code=code_digest("fetch"),
    shell:
        "python -m bioseq_dl fetch --config {params.config:q} --run {wildcards.encode} {params.cache}"
        " --part encode --out {output.sources:q} > {log:q} 2>&1"


use rule encode as encode_matrix with:
    input:
        records=rules.ingest.output.records,
        folds=rules.split.output.folds,
        sources=sources_of_cells,
        matrix=rules.ingest_matrix.output.matrix,
    output:
        examples=f"{ENCODED}/examples.safetensors",
        # What was fitted on the training cells of each fold: fold0.json, fold1.json, …
        transforms=directory(f"{ENCODED}/transforms"),
    wildcard_constraints:
        encode=MATRIX["encode"],
