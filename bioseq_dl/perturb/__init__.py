"""Many small changes of sequences scored by what they change, not from the start."""
