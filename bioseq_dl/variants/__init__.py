"""Effects of variants: alleles to windows, windows to scores, scores to VCF and Parquet."""
