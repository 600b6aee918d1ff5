"""Known motifs: a release of JASPAR, or a file of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from Bio import motifs as bio_motifs
from numpy.typing import NDArray

from bioseq_dl.errors import InputError
from bioseq_dl.interpret.motif import LETTERS, PSEUDOCOUNT

FEWEST = 25
"""With fewer motifs their columns say too little about chance, and p-values waver."""


@dataclass(frozen=True, eq=False)
class KnownMotif:
    """A motif of the database."""

    id: str
    """Matrix id, ``MA0095.4``; in a user's file whatever stands there, else the name."""
    name: str
    """Factor, ``Yy1``."""
    pwm: NDArray[np.float64]
    """Frequencies (length, 4)."""
    family: str = ""
    """JASPAR's family, ``Ets-related``; several by ``; ``. Empty in a user's file."""


@dataclass(frozen=True, eq=False)
class MotifDatabase:
    """Known motifs and where they are from."""

    name: str
    """``JASPAR2024 CORE vertebrates``, or the file's name."""
    motifs: tuple[KnownMotif, ...]
    notes: tuple[str, ...] = ()
    """What a reader of the matches should know."""


def load_jaspar(release: str, collection: str, taxa: tuple[str, ...]) -> MotifDatabase:
    """Read a release of JASPAR from the copy that pyjaspar carries; no network is used.

    Rauluseviciute et al. 2024, Nucleic Acids Res 52:D174. The latest version of each matrix.

    Parameters
    ----------
    release : str
        ``JASPAR2024``, as pyjaspar names it.
    collection : str
        ``CORE``.
    taxa : tuple of str
        ``vertebrates``, ``plants`` …; empty is all.

    Raises
    ------
    InputError
        Where pyjaspar has no such release, or the release nothing of that kind.
    """
    from pyjaspar import jaspar_releases, jaspardb

    if release not in jaspar_releases:
        raise InputError(
            "no such release of JASPAR",
            position="key explain.motifs.release",
            found=release,
            allowed=", ".join(sorted(jaspar_releases)),
        )
    database = jaspardb(release=release)
    try:
        _check_selection(database, collection, taxa)
        found = database.fetch_motifs(collection=collection, tax_group=list(taxa) or None)
    finally:
        database.conn.close()
    known = [
        KnownMotif(
            motif.matrix_id,
            motif.name,
            _to_frequencies(motif.counts),
            "; ".join(dict.fromkeys(_list(motif.tf_family))),
        )
        for motif in found
    ]
    known.sort(key=lambda motif: motif.id)
    return _finish(" ".join((release, collection, *taxa)), known)


def _check_selection(database: Any, collection: str, taxa: tuple[str, ...]) -> None:
    """Tell a misspelt collection or taxon; pyjaspar would just find nothing."""
    cursor = database.conn.cursor()
    collections = [row[0] for row in cursor.execute("SELECT DISTINCT COLLECTION FROM MATRIX")]
    groups = [
        row[0]
        for row in cursor.execute(
            "SELECT DISTINCT A.VAL FROM MATRIX_ANNOTATION A JOIN MATRIX M ON A.ID = M.ID "
            "WHERE A.TAG = 'tax_group' AND M.COLLECTION = ?",
            (collection,),
        )
    ]
    for key, given, allowed in (
        ("collection", (collection,), collections),
        ("taxa", taxa, groups),
    ):
        for word in given:
            if word not in allowed:
                raise InputError(
                    "this release of JASPAR has nothing of that name",
                    position=f"key explain.motifs.{key}",
                    found=word,
                    allowed=", ".join(sorted(allowed)),
                )


def read_motifs(path: str | Path) -> MotifDatabase:
    """Read motifs in JASPAR format (``>id name``) or in MEME's text format.

    Raises
    ------
    InputError
        Where the file is neither, holds no motif, is damaged, or is not of DNA.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError("not a text file", file=path, allowed="JASPAR or MEME format") from None
    except OSError as error:
        raise InputError(f"cannot read the motifs: {error.strerror}", file=path) from None
    if text.startswith("MEME version"):
        kind = "MEME"
    elif text.lstrip().startswith(">"):
        kind = "JASPAR"
    else:
        raise InputError(
            "neither motifs in JASPAR nor in MEME format",
            file=path,
            found=text.strip().partition("\n")[0],
            allowed="a first line of 'MEME version 4' or '>id name'",
        )
    known = _read_meme(path, text) if kind == "MEME" else _read_jaspar(path)
    if not known:
        raise InputError("no motif in the file", file=path)
    return _finish(path.name, known)


def _read_jaspar(path: Path) -> list[KnownMotif]:
    parse: Any = bio_motifs.parse
    try:
        with path.open(encoding="utf-8") as handle:
            parsed = list(parse(handle, "jaspar"))
    except Exception as error:  # noqa: BLE001  Bio.motifs raises bare Exceptions for bad files
        raise _damaged(path, "JASPAR", error) from None
    known = []
    for motif in parsed:
        if not motif.length:
            raise InputError("a motif without places", file=path, record=motif.matrix_id)
        frequencies = _to_frequencies(motif.counts)
        known.append(KnownMotif(motif.matrix_id, motif.name or motif.matrix_id, frequencies))
    return known


def _read_meme(path: Path, text: str) -> list[KnownMotif]:
    """Read MEME's text by memelite: Bio.motifs rounds to counts and drops the second name."""
    from memelite.io import read_meme

    try:
        parsed = read_meme(str(path))
    except (ValueError, AttributeError, IndexError) as error:
        raise _damaged(path, "MEME", error) from None
    if len(parsed) != sum(line.startswith("MOTIF") for line in text.splitlines()):
        raise InputError("a motif is cut short, or two have the same name", file=path)
    known = []
    for title, values in parsed.items():
        pwm = np.asarray(values.T, np.float64)
        if pwm.min() < 0 or np.abs(pwm.sum(axis=1) - 1).max() > 0.01:
            raise InputError(
                "the letters' probabilities of a place do not add up to 1", file=path, record=title
            )
        identifier, _, name = title.partition(" ")
        known.append(KnownMotif(identifier, name or identifier, pwm))
    return known


def _damaged(path: Path, kind: str, error: Exception) -> InputError:
    return InputError(
        f"cannot read the motifs as {kind} format",
        file=path,
        found=str(error) or type(error).__name__,
    )


def _finish(name: str, known: list[KnownMotif]) -> MotifDatabase:
    notes: tuple[str, ...] = ()
    if len(known) < FEWEST:
        notes = (
            f"{len(known)} known motifs only: the p-values of matches need {FEWEST} or more "
            "to be relied on",
        )
    return MotifDatabase(name, tuple(known), notes)


def _to_frequencies(counts: Any) -> NDArray[np.float64]:
    """Give frequencies, rows sum to 1; a row of zeros is even, counts get a pseudo-count."""
    values = np.array([counts[letter] for letter in LETTERS], np.float64).T
    totals = values.sum(axis=1, keepdims=True)
    if totals.max() > 1.5:  # counts, not frequencies
        values, totals = values + PSEUDOCOUNT / 4, totals + PSEUDOCOUNT
    even = np.full_like(values, 0.25)
    return np.asarray(np.divide(values, totals, out=even, where=totals > 0), np.float64)


def _list(value: Any) -> list[str]:
    return [str(one) for one in value or [] if one]
