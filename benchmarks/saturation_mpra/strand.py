"""MSMB: one element, two assemblies, two strands; its variants must score the same on both.

The element of GRCh38 is the exact reverse complement of GRCh37's (the region is inverted), so
the same measured variants can be written either way round: letters complemented, positions
mirrored. A model that averages strands must not care.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from Bio.Seq import reverse_complement
from prepare import DELETED, Element

NAME = "MSMB"


def mirror(element: Element, variants: pd.DataFrame) -> tuple[Element, pd.DataFrame]:
    """Write an element and its variants on the other strand.

    Returns
    -------
    element : Element
    variants : DataFrame
        In the order they came in, with the columns they had.
    """
    last = len(element.sequence) - 1
    mirrored = variants.assign(
        position=last - variants["position"],
        ref=variants["ref"].map(reverse_complement),
        alt=[alt if alt == DELETED else reverse_complement(alt) for alt in variants["alt"]],
    )
    return replace(element, sequence=reverse_complement(element.sequence)), mirrored


def stands_alone(element: Element, position: int) -> bool:
    """Tell whether a base differs from both neighbours.

    The deletion of one of several equal bases is one event with several names. What VCF
    writes, and what is left when shared letters are trimmed, are then bases at one end of the
    run as seen from that strand, and the two strands' windows need not have one centre.
    """
    sequence = element.sequence
    base = sequence[position]
    around = sequence[max(position - 1, 0) : position] + sequence[position + 1 : position + 2]
    return base not in around
