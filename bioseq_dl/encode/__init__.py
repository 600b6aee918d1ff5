"""Records in, compact numpy arrays out."""
