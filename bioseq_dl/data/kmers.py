"""K-mers as packed integers, their hashes, and minimizers, for many sequences at once."""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from bioseq_dl.data.sequences import Sequences, iterate_chunks
from bioseq_dl.encode.alphabet import DNA, Alphabet

CHUNK_BASES = 1 << 21
"""Bases worked on at a time, which bounds the memory for what stands between."""
NONE = np.uint64(2**64 - 1)
"""Stands where there is no k-mer; above every packed one, as those take 62 bits at most."""


@cache
def _codes(alphabet: Alphabet) -> NDArray[np.uint8]:
    """Give the code of each byte, lower case as upper; the unknown code for all others."""
    table = np.full(256, alphabet.unknown_code, np.uint8)
    letters = [*zip(alphabet.letters, range(len(alphabet.letters)), strict=True)]
    # RNA may stand among DNA here, as sequences are compared and not read.
    aliases = alphabet.aliases or ("UT",)
    letters += [(pair[0], alphabet.letters.index(pair[1])) for pair in aliases]
    for letter, code in letters:
        table[[ord(letter), ord(letter.lower())]] = code
    return table


def _bits(alphabet: Alphabet) -> int:
    """Bits that a letter takes: 2 of four letters, 5 of twenty."""
    return (len(alphabet.letters) - 1).bit_length()


def mix_bits(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Hash 64-bit integers one to one (the finaliser of MurmurHash3, A. Appleby).

    Different k-mers so have different hashes.
    """
    mixed = values ^ (values >> np.uint64(33))
    mixed *= np.uint64(0xFF51AFD7ED558CCD)
    mixed ^= mixed >> np.uint64(33)
    mixed *= np.uint64(0xC4CEB9FE1A85EC53)
    mixed ^= mixed >> np.uint64(33)
    return mixed


def _pack(codes: NDArray[np.uint64], k: int, bits: int, *, first_high: bool) -> NDArray[np.uint64]:
    """Pack each run of k codes of some bits, by doubling: log2(k) passes instead of k."""
    block, width = codes, 1
    packed, done = np.zeros(len(codes), np.uint64), 0

    def join(
        left: NDArray[np.uint64], n_left: int, right: NDArray[np.uint64], n_right: int
    ) -> NDArray[np.uint64]:
        shifted = right[n_left:]
        if first_high:
            return (left[: len(shifted)] << np.uint64(bits * n_right)) | shifted
        return left[: len(shifted)] | (shifted << np.uint64(bits * n_left))

    while True:
        if k & width:
            packed, done = (join(packed, done, block, width) if done else block), done + width
        if done == k:
            return packed
        block, width = join(block, width, block, width), 2 * width


def pack_kmers(
    sequences: Sequences, k: int, both_strands: bool, alphabet: Alphabet = DNA
) -> NDArray[np.uint64]:
    """Pack the k-mer that starts at each letter.

    Parameters
    ----------
    sequences : Sequences
    k : int
        1 to 31; of proteins to 12.
    both_strands : bool
        Take the smaller of the k-mer and its reverse complement (the canonical k-mer); of
        DNA only.
    alphabet : Alphabet

    Returns
    -------
    ndarray of uint64, shape (letters,)
        A C G T are 0 1 2 3, the first letter in the highest bits. `NONE` where the k-mer would
        run over the end of its sequence or holds an unknown letter.
    """
    bits = _bits(alphabet)
    if k * bits > 62:
        raise ValueError(f"k must be at most {62 // bits}, found {k}")
    if both_strands and alphabet is not DNA:
        raise ValueError("these sequences have one strand only")
    found = np.full(len(sequences.letters), NONE)
    if len(found) < k:
        return found
    codes = _codes(alphabet)[sequences.letters]
    wide = (codes & np.uint8(2**bits - 1)).astype(np.uint64)
    packed = _pack(wide, k, bits, first_high=True)
    if both_strands:
        packed = np.minimum(packed, _pack(wide ^ np.uint64(3), k, bits, first_high=False))
    unknown = np.concatenate(([0], np.cumsum(codes == alphabet.unknown_code, dtype=np.int32)))
    left = np.repeat(sequences.offsets[1:], sequences.lengths) - np.arange(len(found))
    valid = (left[: len(packed)] >= k) & (unknown[k:] == unknown[:-k])
    found[: len(packed)] = np.where(valid, packed, NONE)
    return found


def count_windows(sequences: Sequences, k: int) -> NDArray[np.int64]:
    """Count the k-mers of each sequence, those with unknown bases included; shape (n,)."""
    return np.maximum(sequences.lengths - k + 1, 0)


def find_minimizers(
    sequences: Sequences, k: int, window: int, both_strands: bool, alphabet: Alphabet = DNA
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Find the k-mer of lowest hash in every `window` consecutive k-mers of each sequence.

    Two sequences that share `window` consecutive k-mers share a minimizer (Roberts et al.
    2004, Bioinformatics 20:3363). A sequence with fewer k-mers gives its lowest.

    Parameters
    ----------
    sequences : Sequences
    k, window : int
        ``window`` is at most ``k``.
    both_strands : bool
        Use canonical k-mers.
    alphabet : Alphabet

    Returns
    -------
    hashes : ndarray of uint64, shape (m,)
    owners : ndarray of int64, shape (m,)
        Index of the sequence of each; ascending. A hash may come more than once.
    """
    if window > k:
        raise ValueError(f"window {window} must not be above k {k}")
    kmers = pack_kmers(sequences, k, both_strands, alphabet)
    lowest = np.where(kmers == NONE, NONE, mix_bits(kmers))
    # The k - 1 places after a sequence's last k-mer hold NONE, so that a window that runs
    # over its end sees nothing of the next sequence.
    done = 1
    while done < window:
        step = min(done, window - done)
        lowest[:-step] = np.minimum(lowest[:-step], lowest[step:])
        done += step
    counts = count_windows(sequences, k)
    windows = np.where(counts > 0, np.maximum(counts - window + 1, 1), 0)
    owners = np.repeat(np.arange(len(sequences)), windows)
    ends = np.cumsum(windows)
    starts = sequences.offsets[:-1] - (ends - windows)
    hashes = lowest[np.repeat(starts, windows) + np.arange(len(owners))]
    keep = hashes != NONE
    keep[1:] &= (hashes[1:] != hashes[:-1]) | (owners[1:] != owners[:-1])
    return hashes[keep], owners[keep]


def tabulate_kmers(
    sequences: Sequences, k: int, both_strands: bool, alphabet: Alphabet = DNA
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Give each sequence's k-mers as a sorted row without repeats.

    The second and later occurrences of a k-mer in a sequence are made different from the
    first, so that intersections of rows count k-mers as often as both hold them: a run of
    one base, or a microsatellite, is otherwise one k-mer, and would be "contained" in any
    sequence with a short stretch of it.

    Returns
    -------
    rows : ndarray of uint64, shape (n, most k-mers of a sequence)
        `NONE` fills up; not sorted where a k-mer repeats.
    sizes : ndarray of int64, shape (n,)
        K-mers in each row.
    """
    width = int(count_windows(sequences, k).max(initial=0))
    rows = np.full((len(sequences), width), NONE)
    sizes = np.zeros(len(sequences), np.int64)
    for start, chunk in iterate_chunks(sequences, CHUNK_BASES):
        here = rows[start : start + len(chunk)]
        counts = count_windows(chunk, k)
        kmers = pack_kmers(chunk, k, both_strands, alphabet)
        left = np.repeat(chunk.offsets[1:], chunk.lengths) - np.arange(len(kmers))
        here[np.arange(width) < counts[:, None]] = kmers[left >= k]
        here.sort(axis=1)
        sizes[start : start + len(chunk)] = (here != NONE).sum(axis=1)
        same = (here[:, 1:] == here[:, :-1]) & (here[:, 1:] != NONE)
        repeated = np.flatnonzero(same.any(axis=1))
        if len(repeated):
            here[repeated] = _number_occurrences(here[repeated], same[repeated])
    return rows, sizes


def _number_occurrences(rows: NDArray[np.uint64], same: NDArray[np.bool_]) -> NDArray[np.uint64]:
    place = np.broadcast_to(np.arange(rows.shape[1], dtype=np.uint64), rows.shape)
    first = np.where(np.pad(~same, ((0, 0), (1, 0)), constant_values=True), place, np.uint64(0))
    occurrence = place - np.maximum.accumulate(first, axis=1)
    # The highest bit tells them from packed k-mers; 63 bits of hash tell them from each other.
    later = mix_bits(rows + occurrence * np.uint64(0x9E3779B97F4A7C15)) | np.uint64(1 << 63)
    return np.where((occurrence > 0) & (rows != NONE), later, rows)


def sort_unique(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sort in place and give the different values."""
    values.sort()
    keep = np.ones(len(values), np.bool_)
    keep[1:] = values[1:] != values[:-1]
    return values[keep]
