"""Deep models on sequences and omics data, as a Snakemake workflow on a Python library."""

__version__ = "0.1.0"
