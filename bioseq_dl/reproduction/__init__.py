"""Is a result the same as another, and if not, why: rerun and comparison."""
