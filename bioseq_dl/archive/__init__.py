"""A finished run as one file that can be checked: contents, metadata, and back."""
