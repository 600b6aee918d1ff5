"""Bits of information that predictions of the MPSA carry about the measurements.

    python benchmarks/mpsa/information.py

after `python benchmarks/run_accuracy.py benchmarks/mpsa/config.yaml`; writes
benchmarks/results/mpsa_information.tsv. The two estimates are MAVE-NN's (Tareen et al. 2022,
Genome Biology 23:98; its `Model.I_variational` and `Model.I_predictive`):

- I_var = H[y] - mean of -log2 p(y | prediction): H[y] by the 7-nearest-neighbour estimator,
  p by a skewed t noise model whose location, scale and tails are polynomials of the prediction.
- I_pred = mutual information of prediction and y by the 5-nearest-neighbour estimator of
  Kraskov et al. 2004, which assumes no noise model.

The same as published: test records, y, both estimators, family of noise (Jones and Faddy's
skewed t, heteroskedastic of order 2), and the width of the standard errors (half-samples).
Not the same: MAVE-NN fits its noise model together with its map, on train; here the networks
and the regressions are fitted by squared error, and the noise model afterwards, on validation,
with the location a cubic of the prediction where MAVE-NN takes a sum of sigmoids. Each figure
published is of one trained model; ours are of an ensemble of five seeds, and of each seed.

The second library (replicate) measured most of the same sequences: its values as a
prediction say what a measurement tells about another, and the same predictions are judged
against it too, as labels that no model was fitted to.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import optimize, spatial, special, stats
from sklearn.feature_selection import mutual_info_regression

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY))
sys.path.insert(0, str(REPOSITORY / "benchmarks"))

from run_accuracy import write_table  # noqa: E402

from bioseq_dl.config import Run, load_config  # noqa: E402
from bioseq_dl.layout import baseline_folder, model_folder, stage_folder  # noqa: E402

Floats = NDArray[np.float64]
DATA = REPOSITORY.parent / "shared" / "data" / "mavenn_mave"
CONFIG = Path(__file__).parent / "config.yaml"
OUT = REPOSITORY / "benchmarks" / "results" / "mpsa_information.tsv"
TARGET = "log10_psi"
PUBLISHED = {
    "MAVE-NN additive": (0.217, 0.023, 0.219, 0.014),
    "MAVE-NN neighbour": (0.310, 0.027, 0.341, 0.013),
    "MAVE-NN pairwise": (0.307, 0.025, 0.358, 0.014),
    "MAVE-NN black box": (0.398, 0.025, 0.455, 0.014),
}
"""I_var, its standard error, I_pred, its standard error: mavenn 1.1.4,
examples/tutorials/3_splicing_mpra_multiple_gpmaps.ipynb."""
FUZZ = 0.01
"""Noise that breaks ties before neighbours are searched, in standard deviations (MAVE-NN's)."""
HALVES = 25


@dataclass(frozen=True, eq=False)
class Noise:
    """Density of y given a prediction: a skewed t that changes with the prediction."""

    mean: float
    sd: float
    location: Floats
    scale: Floats
    left: Floats
    right: Floats

    def log2_density(self, predicted: Floats, truth: Floats) -> Floats:
        """Give log2 p(y | prediction) of each record, in 1 / unit of y."""
        z = np.clip((predicted - self.mean) / self.sd, -5, 5)
        log_scale = np.clip(np.polyval(self.scale, z), -9, 9)
        left, right = (np.exp(np.clip(np.polyval(p, z), -2, 5)) for p in (self.left, self.right))
        t = (truth - np.polyval(self.location, z)) * np.exp(-log_scale)
        return (skewed_t(t, left, right) - log_scale) / np.log(2)


def skewed_t(t: Floats, a: Floats, b: Floats) -> Floats:
    """Give the log density of Jones and Faddy's skewed t (2003, J. R. Statist. Soc. B 65:159).

    As scipy.stats.jf_skew_t, without its minus infinity far in the tails, where 1 - |t| / r
    is lost to rounding.
    """
    r = np.sqrt(a + b + t**2)
    far = np.log(a + b) - np.log(r) - np.log(r + np.abs(t))  # log(1 - |t| / r)
    near = np.log1p(np.abs(t) / r)
    low, high = np.where(t < 0, far, near), np.where(t < 0, near, far)
    constant = (a + b - 1) * np.log(2) + special.betaln(a, b) + np.log(a + b) / 2
    return (a + 0.5) * low + (b + 0.5) * high - constant


def fit_noise(predicted: Floats, truth: Floats) -> Noise:
    """Fit the noise model by maximum likelihood.

    Parameters
    ----------
    predicted, truth : float64, shape (n,)
        Of records that the prediction was not fitted to.
    """
    mean, sd = float(predicted.mean()), float(predicted.std()) or 1.0
    line = np.polyfit((predicted - mean) / sd, truth, 1)
    spread = np.std(truth - np.polyval(line, (predicted - mean) / sd))
    start = np.concatenate([[0, 0, *line], [0, 0, np.log(spread)], [0, 0, 1.0], [0, 0, 1.0]])

    def build(parameters: Floats) -> Noise:
        return Noise(mean, sd, *np.split(parameters, [4, 7, 10]))

    def loss(parameters: Floats) -> float:
        return -float(build(parameters).log2_density(predicted, truth).mean())

    return build(optimize.minimize(loss, start, method="L-BFGS-B").x)


def entropy_bits(values: Floats, k: int = 7) -> float:
    """Estimate the differential entropy in bits from distances to the k-th neighbour.

    Kozachenko and Leonenko 1987 in one dimension. Equal values would give minus infinity:
    add a little noise first.
    """
    points = values[:, None]
    distances = spatial.cKDTree(points).query(points, k + 1)[0][:, k]
    nats = special.digamma(len(values)) - special.digamma(k) + np.log(2 * distances).mean()
    return float(nats / np.log(2))


def variational_bits(log2_density: Floats, truth: Floats) -> float:
    """Give I_var: H[y] less the mean of -log2 p(y | prediction)."""
    return entropy_bits(_fuzz(truth, 0)) + float(log2_density.mean())


def predictive_bits(predicted: Floats, truth: Floats, k: int = 5) -> float:
    """Estimate the mutual information of prediction and y, in bits."""
    nats = mutual_info_regression(
        _fuzz(predicted, 1)[:, None], _fuzz(truth, 0), n_neighbors=k, random_state=0
    )
    return float(nats[0] / np.log(2))


def standard_error(estimate: Callable[[NDArray[np.int64]], float], n: int, seed: int = 0) -> float:
    """Give the spread of an estimate over random halves, divided by the square root of 2.

    A bootstrap would draw records twice, whose nearest neighbours stand at distance 0.
    """
    generator = np.random.default_rng(seed)
    halves = [generator.choice(n, n // 2, replace=False) for _ in range(HALVES)]
    return float(np.std([estimate(half) for half in halves], ddof=1) / np.sqrt(2))


def judge(fitted: tuple[Floats, Floats], judged: tuple[Floats, Floats]) -> dict[str, float]:
    """Give both informations of a prediction on test, with standard errors, and correlations.

    Parameters
    ----------
    fitted, judged : (predicted, truth)
        Records the noise model is fitted on, and those that count.
    """
    predicted, truth = judged
    density = fit_noise(*fitted).log2_density(predicted, truth)
    n = len(truth)
    return {
        "records": n,
        "i_var": variational_bits(density, truth),
        "i_var_se": standard_error(lambda half: variational_bits(density[half], truth[half]), n),
        "i_pred": predictive_bits(predicted, truth),
        "i_pred_se": standard_error(lambda half: predictive_bits(predicted[half], truth[half]), n),
        "pearson": float(stats.pearsonr(predicted, truth)[0]),
        "spearman": float(stats.spearmanr(predicted, truth)[0]),
    }


def _fuzz(values: Floats, seed: int) -> Floats:
    noise = np.random.default_rng(seed).normal(size=len(values))
    return values + FUZZ * values.std(ddof=1) * noise


def read_table(run: Run, results: Path) -> pd.DataFrame:
    """Give role, sequence, y, the replicate's y, and a column per predictor, by record."""
    records = pd.read_parquet(
        stage_folder(results, run, "ingest") / "records.parquet", columns=["id", "sequence"]
    )
    files = {f"seed {s}": model_folder(results, "mpsa", 0, s) for s in run.train.seeds}
    paths = {name: folder / "predictions.parquet" for name, folder in files.items()}
    folder = baseline_folder(results, run)
    paths |= {name: folder / f"{name}-fold0.parquet" for name in ("additive", "kmer")}
    columns = {name: pd.read_parquet(path).set_index("id") for name, path in paths.items()}
    first = columns["seed 1"]
    table = pd.DataFrame({"role": first["role"], "y": first[f"target:{TARGET}"].astype(float)})
    for name, found in columns.items():
        table[name] = found[f"output:{TARGET}"].astype(float)
    table.insert(2, "network", table[list(files)].mean(axis=1))
    table["sequence"] = records.set_index("id")["sequence"]
    other = pd.read_csv(DATA / "mpsa_replicate_data.csv.gz")
    replicate = pd.Series(other["y"].to_numpy(), other["x"].str.replace("U", "T"))
    table["replicate"] = table["sequence"].map(replicate)
    return table


def tabulate(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Give a row per predictor and truth: all test records, and those with a replicate."""
    predictors = [name for name in table if name not in ("role", "y", "sequence", "replicate")]
    both = table.dropna(subset=["replicate"])
    cases = [(name, "y", table) for name in predictors]
    cases += [("replicate", "y", both)]
    cases += [(name, "replicate", both) for name in predictors if not name.startswith("seed")]
    rows: list[dict[str, Any]] = []
    for name, truth, source in cases:
        pairs = [
            (part[name].to_numpy(float), part[truth].to_numpy(float))
            for part in (source[source["role"] == "val"], source[source["role"] == "test"])
        ]
        label = "measured" if truth == "y" else "measured again"
        rows.append({"predictor": name, "truth": label} | judge(pairs[0], pairs[1]))
    names = ("i_var", "i_var_se", "i_pred", "i_pred_se")
    for name, figures in PUBLISHED.items():
        row = {
            "predictor": name,
            "truth": "measured",
            "records": int((table["role"] == "test").sum()),
        }
        rows.append(row | dict(zip(names, figures, strict=True)))
    return rows


def main() -> int:
    if not DATA.exists():
        print(f"skipped: the data is not here ({DATA})", file=sys.stderr)
        return 0
    config = load_config(CONFIG)
    write_table(OUT, tabulate(read_table(config.runs["mpsa"], REPOSITORY / config.results)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
