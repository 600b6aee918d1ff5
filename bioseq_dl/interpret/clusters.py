"""Seqlets that look alike, put together into motifs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.interpret.motif import (
    LEAST_BITS,
    Motif,
    count_background,
    count_letters,
    find_core,
    measure_information,
)
from bioseq_dl.interpret.seqlets import CORE, Seqlets, find_seqlets

_FLANK = 7
_WIDTH = CORE + 2 * _FLANK
_SHIFT = 7
"""How far a seqlet may be moved to fit, at most."""
_ALIKE = 0.6
"""Least cosine between a seqlet's contributions and a motif's mean."""
_SAME = 0.85
"""Least cosine at which two motifs are one."""
_CORE_SHARE = 0.3
"""Flanks that contribute less than this share of the strongest place are cut off, as in
TF-MoDISco's reports; so are flanks of less than `LEAST_BITS`."""
_MOST_SEEDS = 2000
"""Seqlets compared all with all to find where a motif starts."""
_ROUNDS = 10

Features = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Cluster:
    """Aligned sites: where the first base of each stands, on which strand."""

    mean: Features
    """Mean contributions, each site scaled to length 1, (width, 4)."""
    members: NDArray[np.int64]
    """Which seqlets."""
    starts: NDArray[np.int64]
    """In the padded sequence."""
    flipped: NDArray[np.bool_]


def find_seqlet_motifs(
    codes: NDArray[np.uint8], contributions: NDArray[np.float32], fewest: int = 20
) -> list[Motif]:
    """Find seqlets of either sign and put those that look alike into motifs.

    The seqlet with the most like it is a motif's seed; all seqlets are aligned to it, on both
    strands, those alike are averaged, and aligned again to the mean until they stay the same.
    Then they are taken out and the next seed is looked for: seed, refine, erase, as STREME
    does with words (Bailey 2021, Bioinformatics 37:2834), here with contributions as in
    TF-MoDISco (Shrikumar et al. 2018, arXiv:1811.00416). Alike is measured by the cosine
    between contributions. Motifs that are alike themselves are merged, flanks trimmed, and
    what is then vague (`Motif.is_vague`) is left out.
    TF-MoDISco's own code needs leidenalg (GPL), igraph, h5py and ten more packages; this
    needs numpy, chance plays no part in it, and some hundred windows take a second.

    Parameters
    ----------
    codes : uint8 (n, length)
        A C G T = 0 1 2 3, unknown 4.
    contributions : float32 (n, length, 4) or (n, length)
        Hypothetical contributions of all letters (those of in-silico mutagenesis, each place
        centred, or of gradients), which tell more, or of the letter that is there.
    fewest : int
        Least sites of a motif.

    Returns
    -------
    list of Motif
        ``positive_1`` … by sites, then ``negative_1`` …
    """
    if not len(codes):
        return []
    here = _contributions_here(codes, contributions)
    known = np.eye(5, 4, dtype=np.float32)[codes]
    features = contributions if contributions.ndim == 3 else known * here[..., None]
    frame = ((0, 0), (_WIDTH + _SHIFT, _WIDTH + _SHIFT), (0, 0))
    padded = np.pad(features.astype(np.float32), frame)
    sites = np.pad(codes, frame[:2], constant_values=4)
    present = np.pad(known * here[..., None], frame)
    background = count_background(codes)
    motifs = []
    for word, seqlets in zip(("positive", "negative"), find_seqlets(here), strict=True):
        clusters = _merge(padded, seqlets, _cluster(padded, seqlets, fewest))
        found = []
        for cluster in clusters:
            cluster = _drop_repeats(cluster, seqlets)
            if len(cluster.members) >= fewest:
                motif = _make_motif(cluster, seqlets, sites, present, background)
                if not motif.is_vague:
                    found.append(motif)
        found.sort(key=lambda motif: -motif.sites)
        motifs += [replace(motif, name=f"{word}_{number}") for number, motif in enumerate(found, 1)]
    return motifs


def _contributions_here(
    codes: NDArray[np.uint8], contributions: NDArray[np.float32]
) -> NDArray[np.float32]:
    if contributions.ndim == 2:
        return np.where(codes < 4, contributions, 0).astype(np.float32)
    known = np.minimum(codes, 3)[..., None]
    here = np.take_along_axis(contributions, known.astype(np.int64), axis=2)[..., 0]
    return np.where(codes < 4, here, 0).astype(np.float32)


def _cluster(padded: Features, seqlets: Seqlets, fewest: int) -> list[_Cluster]:
    """Seed, refine, erase."""
    if len(seqlets) < fewest:
        return []
    frames = seqlets.starts + (_WIDTH + _SHIFT - _FLANK)
    pool = np.arange(min(len(seqlets), _MOST_SEEDS))
    alike = _compare_all(padded, seqlets.rows[pool], frames[pool])
    alike = np.where(alike >= _ALIKE, alike, 0)
    free = np.ones(len(seqlets), bool)
    seeds = np.ones(len(pool), bool)
    clusters: list[_Cluster] = []
    while True:
        density = np.where(seeds & free[pool], alike @ free[pool].astype(np.float32), 0)
        seed = int(density.argmax())
        if density[seed] <= 0 or (alike[seed] * free[pool] > 0).sum() < fewest / 2:
            return clusters
        seeds[seed] = False
        cluster = _refine(padded, seqlets, frames, np.flatnonzero(free), seed)
        if len(cluster.members) >= fewest:
            clusters.append(cluster)
            free[cluster.members] = False


def _compare_all(
    padded: Features, rows: NDArray[np.int64], frames: NDArray[np.int64]
) -> NDArray[np.float32]:
    """Give the highest cosine of all pairs over shifts and strands, (m, m)."""
    still = _scale(_cut(padded, rows, frames)).reshape(len(rows), -1)
    best = np.full((len(rows), len(rows)), -1, np.float32)
    for shift in range(-_SHIFT, _SHIFT + 1):
        moved = _scale(_cut(padded, rows, frames + shift))
        for other in (moved, moved[:, ::-1, ::-1]):
            np.maximum(best, still @ other.reshape(len(rows), -1).T, out=best)
    return np.maximum(best, best.T)


def _refine(
    padded: Features,
    seqlets: Seqlets,
    frames: NDArray[np.int64],
    free: NDArray[np.int64],
    seed: int,
) -> _Cluster:
    """Align all free seqlets to the seed, then to their mean, until they stay the same."""
    mean = _scale(_cut(padded, seqlets.rows[[seed]], frames[[seed]]))[0]
    before: NDArray[np.int64] | None = None
    for round_ in range(_ROUNDS):
        cluster = _align(padded, seqlets.rows[free], frames[free], mean)
        cluster = replace(cluster, members=free[cluster.members])
        if before is not None and np.array_equal(before, cluster.members):
            break
        if not len(cluster.members):
            break
        before, mean = cluster.members, cluster.mean
        if round_ < 3:
            mean = _centre(padded, seqlets, cluster)
    return cluster


def _align(
    padded: Features, rows: NDArray[np.int64], frames: NDArray[np.int64], mean: Features
) -> _Cluster:
    """Give the seqlets alike to a mean, each where it fits best."""
    best = np.full(len(rows), -1, np.float32)
    shifts = np.zeros(len(rows), np.int64)
    flipped = np.zeros(len(rows), bool)
    # Small shifts first, so that of equal fits the nearest is taken.
    for shift in sorted(range(-_SHIFT, _SHIFT + 1), key=abs):
        moved = _scale(_cut(padded, rows, frames + shift))
        for flip, template in ((False, mean), (True, mean[::-1, ::-1])):
            fits = np.einsum("mwl,wl->m", moved, template)
            better = fits > best + 1e-6
            best[better], shifts[better], flipped[better] = fits[better], shift, flip
    members = np.flatnonzero(best >= _ALIKE * np.linalg.norm(mean))
    starts = (frames + shifts)[members]
    return _average(padded, rows[members], starts, flipped[members], members)


def _average(
    padded: Features,
    rows: NDArray[np.int64],
    starts: NDArray[np.int64],
    flipped: NDArray[np.bool_],
    members: NDArray[np.int64],
) -> _Cluster:
    windows = _turn(_scale(_cut(padded, rows, starts)), flipped)
    mean = windows.mean(axis=0) if len(rows) else np.zeros((_WIDTH, 4), np.float32)
    return _Cluster(mean, members, starts, flipped)


def _centre(padded: Features, seqlets: Seqlets, cluster: _Cluster) -> Features:
    """Move the frame so that what contributes stands in its middle; give the mean there."""
    weights = np.abs(cluster.mean).sum(axis=1)
    strong = np.where(weights >= _CORE_SHARE * weights.max(), weights, 0)
    middle = (strong * np.arange(_WIDTH)).sum() / max(strong.sum(), 1e-30)
    shift = int(np.clip(round(float(middle) - (_WIDTH - 1) / 2), -_FLANK, _FLANK))
    starts = np.clip(
        cluster.starts + np.where(cluster.flipped, -shift, shift), 0, padded.shape[1] - _WIDTH
    )
    rows = seqlets.rows[cluster.members]
    return _average(padded, rows, starts, cluster.flipped, cluster.members).mean


def _merge(padded: Features, seqlets: Seqlets, clusters: list[_Cluster]) -> list[_Cluster]:
    """Put clusters of the same motif together, smaller ones into larger ones."""
    kept: list[_Cluster] = []
    for cluster in sorted(clusters, key=lambda one: -len(one.members)):
        for place, other in enumerate(kept):
            shift, flip, fit = _fit(other.mean, cluster.mean)
            if fit >= _SAME:
                # A site moves with the frame it stands in, the other way round if turned.
                turned = cluster.flipped ^ flip
                starts = np.clip(
                    cluster.starts + np.where(turned, -shift, shift), 0, padded.shape[1] - _WIDTH
                )
                members = np.concatenate([other.members, cluster.members])
                kept[place] = _average(
                    padded,
                    seqlets.rows[members],
                    np.concatenate([other.starts, starts]),
                    np.concatenate([other.flipped, turned]),
                    members,
                )
                break
        else:
            kept.append(cluster)
    return kept


def _fit(one: Features, two: Features) -> tuple[int, bool, float]:
    """Give shift, strand and cosine of the best fit: two[i + shift] stands under one[i]."""
    best = (0, False, -1.0)
    for flip in (False, True):
        other = np.pad(two[::-1, ::-1] if flip else two, ((_WIDTH, _WIDTH), (0, 0)))
        for shift in sorted(range(-_WIDTH // 2, _WIDTH // 2 + 1), key=abs):
            part = other[_WIDTH + shift : 2 * _WIDTH + shift]
            fit = float((one * part).sum() / max(np.linalg.norm(one) * np.linalg.norm(two), 1e-30))
            if fit > best[2] + 1e-6:
                best = (shift, flip, fit)
    return best


def _drop_repeats(cluster: _Cluster, seqlets: Seqlets) -> _Cluster:
    """Keep one of the sites that stand at nearly the same place, the strongest."""
    rows = seqlets.rows[cluster.members]
    kept: list[int] = []
    taken: dict[int, list[int]] = {}
    for place in np.argsort(cluster.members, kind="stable").tolist():  # strongest first
        row, start = int(rows[place]), int(cluster.starts[place])
        if all(abs(start - other) >= CORE // 2 for other in taken.get(row, [])):
            taken.setdefault(row, []).append(start)
            kept.append(place)
    places = np.array(kept, np.int64)
    return replace(
        cluster,
        members=cluster.members[places],
        starts=cluster.starts[places],
        flipped=cluster.flipped[places],
    )


def _make_motif(
    cluster: _Cluster,
    seqlets: Seqlets,
    sites: NDArray[np.uint8],
    present: Features,
    background: NDArray[np.float64],
) -> Motif:
    rows = seqlets.rows[cluster.members]
    weights = _turn(_cut(present, rows, cluster.starts), cluster.flipped)
    contributions = weights.astype(np.float64).mean(axis=0)
    places = cluster.starts[:, None] + np.arange(_WIDTH)
    letters = sites[rows[:, None], places]
    other = np.where(letters < 4, 3 - letters, 4)[:, ::-1]
    letters = np.where(cluster.flipped[:, None], other, letters).astype(np.uint8)
    pwm = count_letters(letters, background)
    strength = np.abs(contributions).sum(axis=1)
    told = (strength >= _CORE_SHARE * strength.max()) & (
        measure_information(pwm, len(rows)) >= LEAST_BITS
    )
    start, end = find_core(told.astype(np.float64), 1)
    return Motif("", "seqlets", pwm[start:end], len(rows), contributions[start:end])


def _cut(values: Features, rows: NDArray[np.int64], starts: NDArray[np.int64]) -> Features:
    places = np.clip(starts, 0, values.shape[1] - _WIDTH)[:, None] + np.arange(_WIDTH)
    return np.asarray(values[rows[:, None], places], np.float32)


def _scale(windows: Features) -> Features:
    """Scale each window to length 1."""
    lengths = np.sqrt(np.einsum("mwl,mwl->m", windows, windows))
    return np.asarray(windows / np.maximum(lengths, 1e-20)[:, None, None], np.float32)


def _turn(windows: Features, flipped: NDArray[np.bool_]) -> Features:
    """Give the other strand of those that are flipped."""
    return np.where(flipped[:, None, None], windows[:, ::-1, ::-1], windows)
