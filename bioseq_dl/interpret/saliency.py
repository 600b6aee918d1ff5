"""What networks of cells look at, class by class, beside the genes that scanpy ranks."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import anndata
import numpy as np
import pandas as pd
import scanpy
import torch
from numpy.typing import NDArray
from scipy.stats import hypergeom

from bioseq_dl.config import Saliency
from bioseq_dl.encode.cells import CellExamples
from bioseq_dl.encode.layout import draw_images
from bioseq_dl.errors import InputError
from bioseq_dl.interpret.gene_attributions import score_genes
from bioseq_dl.interpret.grad_cam import class_activation
from bioseq_dl.train.checkpoint import Checkpoint, restore_model

Floats = NDArray[np.float32]
COLUMNS = (
    "target", "class", "gene", "rank", "score", "rank_sd", "scanpy_rank", "scanpy_score",
    "log2_fold_change", "adjusted_p",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Told:
    """What is told of a run.

    Parameters
    ----------
    genes : DataFrame
        `COLUMNS`: the top genes of either kind, class by class.
    summary : dict
        ``method``, ``networks``, ``genes``, ``top``, ``test``; ``targets``: target: class:
        ``{cells, train, shared, expected, p, agreement}``; ``images``: null, or ``{height, width,
        genes, pixels, target, classes: {name: {mean, map}}}`` of the first target, where
        ``pixels`` says of each of ``genes`` its place, row * width + column.
    """

    genes: pd.DataFrame
    summary: dict[str, Any]


def tell_saliency(
    checkpoints: Sequence[Checkpoint],
    examples: CellExamples,
    config: Saliency,
    device: torch.device,
) -> Told:
    """Score the genes of test cells for their own class, and compare with scanpy's ranking.

    A network's score of a gene is the mean over cells (`score_genes`: Grad-CAM mapped back from
    pixels to genes, or integrated gradients), in units of that network's largest; the ranking is
    of the mean over networks. scanpy ranks the same genes by a test between the class and all
    others, on the training cells, whose labels the networks have seen too. How many genes two
    random lists of that length share follows the hypergeometric distribution.

    Parameters
    ----------
    checkpoints : sequence of Checkpoint
        The seeds of one fold.
    examples : CellExamples
        As that fold reads them.
    config : Saliency
    device : torch.device

    Raises
    ------
    InputError
        Where targets are no classes, or the models are of another fold.
    """
    spec = examples.spec
    if spec.kind == "regression":
        raise InputError("saliency is of classes", found="targets.kind regression")
    for checkpoint in checkpoints:
        if checkpoint.notes["fold"] != examples.fold:
            raise InputError(
                "a model of another fold",
                found=checkpoint.notes["fold"],
                allowed=str(examples.fold),
            )
    networks: list[Any] = [restore_model(checkpoint) for checkpoint in checkpoints]
    names = spec.classes if spec.kind == "multiclass" else ("0", "1")
    genes = examples.transform.genes
    rows = []
    targets: dict[str, Any] = {}
    images: dict[str, Any] | None = None
    for place, target in enumerate(spec.names):
        ranked, trained = _rank_genes(examples, place, names, config.test)
        targets[target] = {}
        pictures = {}
        for code, name in enumerate(names):
            if spec.kind == "binary" and code == 0:
                continue  # one output, which speaks for the positive class
            cells = _draw_cells(examples, place, code, config)
            if not len(cells) or name not in ranked:
                continue
            values = examples.gather(cells, examples.fold)
            output = place * len(names) + code if spec.kind == "multiclass" else place
            scores = np.stack(
                [
                    _unit(score_genes(network, values, output, device=device).mean(axis=0))
                    for network in networks
                ]
            )
            table, compared = _compare(scores, ranked[name], genes, config.top)
            rows.append(table.assign(target=target, **{"class": name}))
            counts = {"cells": len(cells), "train": trained[code]}
            targets[target][name] = counts | compared
            if networks[0].model.needs_image and place == 0:
                pictures[name] = _draw(networks, examples, values, output, device)
        if pictures:
            layout = examples.transform.layout
            assert layout is not None
            images = {
                "height": layout.height,
                "width": layout.width,
                "genes": list(genes),
                "pixels": layout.pixels.tolist(),
                "target": target,
                "classes": pictures,
            }
    table = pd.concat(rows) if rows else pd.DataFrame(columns=list(COLUMNS))
    method = "Grad-CAM" if networks[0].model.needs_image else "integrated gradients"
    summary = {
        "method": method,
        "networks": len(networks),
        "fold": examples.fold,
        "genes": len(genes),
        "top": config.top,
        "test": config.test,
        "targets": targets,
        "images": images,
    }
    return Told(table[list(COLUMNS)], summary)


def _draw_cells(
    examples: CellExamples, target: int, code: int, config: Saliency
) -> NDArray[np.int64]:
    rows = examples.select(examples.fold, "test")
    of = rows[np.asarray(examples.targets[rows, target]) == code]
    draw = np.random.default_rng([config.seed, target, code])
    return np.sort(draw.permutation(of)[: config.cells])


def _unit(scores: Floats) -> Floats:
    largest = np.abs(scores).max()
    return scores / largest if largest > 0 else scores


def _rank_genes(
    examples: CellExamples, target: int, names: Sequence[str], test: str
) -> tuple[dict[str, pd.DataFrame], list[int]]:
    """Rank the genes of each class that has two training cells or more, best first.

    Beside them stands how many training cells each class has.
    """
    rows = examples.select(examples.fold, "train")
    labels = np.asarray(examples.targets[rows, target])
    known = ~np.isnan(labels)
    rows, codes = rows[known], labels[known].astype(np.int64)
    counts = np.bincount(codes, minlength=len(names))
    usable = [name for code, name in enumerate(names) if counts[code] > 1]
    if len(usable) < 2:
        return {}, counts.tolist()
    cells = anndata.AnnData(
        examples.gather_plain(rows, examples.fold),
        obs=pd.DataFrame(
            {"class": pd.Categorical([names[code] for code in codes])}, index=rows.astype(str)
        ),
        var=pd.DataFrame(index=list(examples.transform.genes)),
    )
    with warnings.catch_warnings():
        # Of values that are no logarithms its fold changes mean nothing; it says so at length.
        warnings.simplefilter("ignore")
        scanpy.tl.rank_genes_groups(cells, "class", groups=usable, method=test)
        found = {name: scanpy.get.rank_genes_groups_df(cells, group=name) for name in usable}
    return found, counts.tolist()


def _compare(
    scores: Floats, ranked: pd.DataFrame, genes: Sequence[str], top: int
) -> tuple[pd.DataFrame, dict[str, Any]]:
    mean = scores.mean(axis=0)
    order = np.argsort(-mean, kind="stable")
    ranks = np.empty((len(scores), len(genes)), np.int64)
    for number, one in enumerate(scores):
        ranks[number, np.argsort(-one, kind="stable")] = np.arange(1, len(genes) + 1)
    rank = np.empty(len(genes), np.int64)
    rank[order] = np.arange(1, len(genes) + 1)
    other = ranked.reset_index(drop=True).assign(scanpy_rank=lambda table: table.index + 1)
    joined = pd.DataFrame({"gene": list(genes), "rank": rank, "score": mean}).merge(
        other.rename(
            columns={
                "names": "gene",
                "scores": "scanpy_score",
                "logfoldchanges": "log2_fold_change",
                "pvals_adj": "adjusted_p",
            }
        ),
        on="gene",
    )
    joined["rank_sd"] = ranks.std(axis=0, ddof=1) if len(scores) > 1 else np.nan
    length = min(top, len(genes))
    inside, beside = joined["rank"] <= length, joined["scanpy_rank"] <= length
    shared = int((inside & beside).sum())
    chance = hypergeom(len(genes), length, length)
    tops = [set(np.argsort(-one, kind="stable")[:length].tolist()) for one in scores]
    pairs = [
        len(tops[i] & tops[j]) / length for i in range(len(tops)) for j in range(i + 1, len(tops))
    ]
    compared = {
        "shared": shared,
        "expected": float(chance.mean()),
        "p": float(chance.sf(shared - 1)),
        "agreement": float(np.mean(pairs)) if pairs else None,
    }
    kept = joined[inside | beside].sort_values(["rank", "gene"], kind="stable")
    return kept, compared


def _draw(
    networks: Sequence[Any],
    examples: CellExamples,
    values: Floats,
    output: int,
    device: torch.device,
) -> dict[str, Any]:
    """Give the mean image of some cells and where the networks look in it, as nested lists."""
    layout = examples.transform.layout
    assert layout is not None
    mean = draw_images(layout, values).mean(axis=0)
    maps = [
        _unit(class_activation(network, values, output, device=device).mean(axis=0))
        for network in networks
    ]
    return {
        "mean": np.round(mean, 4).astype(float).tolist(),
        "map": np.round(np.mean(maps, axis=0), 4).astype(float).tolist(),
    }
