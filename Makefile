# Two commands: `make demo` and `make test`. Both set themselves up in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TOOLS := $(VENV)/.ready-to-test
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock \
	--no-build-isolation --editable
CORES ?= 2

.PHONY: help setup demo test test-fast lint format bench bench-variants bench-gue bench-oct4 bench-mave bench-splice bench-saturation bench-residues bench-fitness bench-expression bench-motifs bench-runs reference clean test-slurm test-envs

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(TOOLS)  ## make .venv with the locked versions

$(READY): pyproject.toml requirements.lock
	@echo "Setting up $(VENV) (a minute or two) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=python3.12 …"; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c requirements.lock pip setuptools
	@$(INSTALL) '.[all,workflow]'
	@touch $@

# What tests and checks need besides; `make demo` does without.
$(TOOLS): $(READY)
	@$(INSTALL) '.[all,workflow,cluster,dev]'
	@touch $@

demo: $(READY)  ## run the workflow on real data and name the report
	@$(BIN)/snakemake --cores $(CORES) --quiet host reason rules
	@echo; cat results/report/summary.txt
	@echo; echo "The report: results/report/report.html"

test: $(TOOLS)  ## every test
	@$(BIN)/python -m pytest -n $(CORES) --dist worksteal

test-fast: $(TOOLS)  ## without the workflow tests
	@$(BIN)/python -m pytest -n $(CORES) --dist worksteal -m 'not workflow and not slurm and not envs'

test-slurm: $(TOOLS)  ## the workflow on a Slurm of its own, with faults (root, or a machine with Slurm)
	@$(BIN)/python -m pytest tests/slurm -m slurm

test-envs: $(TOOLS)  ## the workflow with each step in its own conda env (docs/environments.md)
	@$(BIN)/python -m pytest -m envs tests/envs

lint: $(TOOLS)  ## style, types, workflow
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint --workflow-profile none

format: $(TOOLS)  ## put the code into the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

reference: $(TOOLS)  ## regenerate docs/config.md and config/schema.json
	$(BIN)/bioseq-dl reference --out docs/config.md
	$(BIN)/bioseq-dl reference --format json --out config/schema.json

bench: $(TOOLS)  ## speed beside the peers (each in its own environment)
	$(BIN)/python benchmarks/speed/run.py --out benchmarks/results/speed.tsv

bench-variants: $(READY)  ## speed of variant effects and mutagenesis beside the peers
	$(BIN)/python benchmarks/speed/run.py --only variants_tiny,snv,indel,ism,snv_recurrent \
		--out benchmarks/results/speed_variants.tsv

bench-gue: $(READY)  ## accuracy on seven GUE tasks (about an hour on 2 cores)
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/gue/config.yaml

bench-oct4: $(READY)  ## accuracy on OCT4 against MAFK
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/oct4_mafk/config.yaml

bench-mave: $(READY)  ## splice sites (MPSA) and the lac promoter, measured variant by variant
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/mpsa/config.yaml
	$(BIN)/python benchmarks/mpsa/information.py
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/lac_promoter/config.yaml
	$(BIN)/python benchmarks/lac_promoter/sites.py

bench-splice: $(READY)  ## splice sites of chromosome 20 against decoys, then broken
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/splice/config.yaml
	$(BIN)/python benchmarks/splice/effects.py

bench-saturation: $(READY)  ## saturation mutagenesis of human elements
	$(BIN)/python benchmarks/saturation_mpra/run.py --cores $(CORES)
	$(BIN)/python benchmarks/saturation_mpra/checks.py

bench-residues: $(READY)  ## secondary structure on CB513 (hours on 2 cores)
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/protein_residue/config.yaml
	$(BIN)/python benchmarks/protein_residue/metrics.py

bench-fitness: $(READY)  ## the effect of mutations: GB1, avGFP, amyloid, TDP-43
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/protein_fitness/config.yaml
	$(BIN)/python benchmarks/protein_fitness/intervals.py

bench-expression: $(READY)  ## cell types of pbmc68k_reduced; memory from counts to pictures
	$(BIN)/python benchmarks/run_accuracy.py benchmarks/expression/config.yaml
	$(BIN)/python benchmarks/expression/measures.py
	$(BIN)/python benchmarks/expression/scale.py

bench-motifs: $(READY)  ## the factors of the GUE tasks (after bench-gue)
	$(BIN)/python benchmarks/motifs/run.py

bench-runs: $(READY)  ## planning 200 runs of 5 seeds beside a bare workflow
	$(BIN)/python benchmarks/many_runs/run.py

clean:  ## remove results and caches, keep .venv
	rm -rf .snakemake .pytest_cache .mypy_cache .ruff_cache build
	find results -mindepth 1 ! -name README.md -delete
