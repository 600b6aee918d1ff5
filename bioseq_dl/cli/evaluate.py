"""``bioseq-dl evaluate``."""
