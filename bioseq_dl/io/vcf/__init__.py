"""Variant Call Format: checked in one pass, read in chunks, annotated, gathered."""
