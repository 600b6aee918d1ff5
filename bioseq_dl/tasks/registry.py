"""The tasks there are, by the name a run's config gives in ``task``."""

from __future__ import annotations

from bioseq_dl.errors import InputError
from bioseq_dl.tasks.dna_sequence import DNA_SEQUENCE
from bioseq_dl.tasks.expression import EXPRESSION
from bioseq_dl.tasks.protein_fitness import PROTEIN_FITNESS
from bioseq_dl.tasks.protein_residue import PROTEIN_RESIDUE
from bioseq_dl.tasks.task import Task

TASKS = {
    "dna_sequence": DNA_SEQUENCE,
    "protein_fitness": PROTEIN_FITNESS,
    "protein_residue": PROTEIN_RESIDUE,
    "expression": EXPRESSION,
}


def find_task(name: str) -> Task:
    """Give the task of that name.

    Raises
    ------
    InputError
        Where there is none.
    """
    if name not in TASKS:
        raise InputError("unknown task", found=name, allowed=", ".join(TASKS))
    return TASKS[name]
