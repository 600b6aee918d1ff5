"""Variants that nobody has measured: predicted, with intervals, and chosen for the next round."""
