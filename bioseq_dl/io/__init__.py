"""Files in, typed records out."""
