"""Programs that are used where they are installed."""

from __future__ import annotations

import shutil

from bioseq_dl.errors import InputError


def find_program(name: str, asked: str, package: str) -> str | None:
    """Give the path of a program; None where our own code is to be used instead.

    Parameters
    ----------
    name : str
        The program's.
    asked : str
        ``auto``, ``builtin``, or the program's name.
    package : str
        What to install, for the message.

    Raises
    ------
    InputError
        Where it is asked for by name and not installed.
    """
    if asked == "builtin":
        return None
    found = shutil.which(name)
    if found is None and asked == name:
        raise InputError(
            f"{name} is not installed", fix=f"install {package}, or set program: builtin"
        )
    return found
