# The workflow stands in workflow/Snakefile; this file lets `snakemake` run from here.
include: "workflow/Snakefile"


rule default:
    default_target: True
    input:
        rules.all.input,
