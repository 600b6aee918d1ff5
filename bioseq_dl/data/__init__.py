"""Folds, leakage audit, and encoded examples on disk."""
