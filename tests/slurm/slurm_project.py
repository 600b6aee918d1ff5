"""A small project on a cluster: started, watched, disturbed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "workflow"))

from workflow_project import Project, small_run, write_fasta  # noqa: E402

PROFILE = REPOSITORY / "profiles" / "slurm" / "config.yaml"
FOLDER = Path("results/runs/cnn/fold0/seed1")
MODEL = str(FOLDER / "model.pt")
METRICS = "results/runs/cnn/evaluation/metrics.json"
SEARCH = Path("results/runs/cnn/tune/fold0")
BEST = str(SEARCH / "best.json")


def call(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def wait_until(what: str, found: Callable[[], Any], seconds: float = 150) -> Any:
    """Wait for something and give it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := found():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"waited {seconds:.0f} s for {what}")


class ClusterProject(Project):
    """A project whose snakemake hands its jobs to Slurm, by the profile that is shipped."""

    process: subprocess.Popen[bytes] | None = None

    def fill(self) -> ClusterProject:
        """Write data and config: some ten seconds of training, a state saved at each step."""
        write_fasta(self.folder / "data" / "bound.fa", 150, motif=True, seed=1)
        write_fasta(self.folder / "data" / "background.fa", 150, motif=False, seed=2)
        train = {"epochs": 60, "seeds": [1], "patience": None, "checkpoint_seconds": 0}
        run = small_run()
        self.configure(cnn=run | {"train": run["train"] | train})
        return self

    def search(self) -> None:
        """Add a search of four trials by two workers; its draws depend on the seed alone."""
        path = self.folder / "config" / "config.yaml"
        runs = yaml.safe_load(path.read_text())["runs"]
        space = {"train.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
        runs["cnn"]["tune"] = {
            "space": space,
            "trials": 4,
            "workers": 2,
            "sampler": "random",
            "pruner": "none",
        }
        self.configure(**runs)

    def set_profile(self, **resources: Any) -> None:
        """Write the shipped profile with the lines that a site edits, and resources of train."""
        profile = yaml.safe_load(PROFILE.read_text())
        profile |= {
            "slurm-status-command": "squeue",
            "slurm-init-seconds-before-status-checks": 1,
            "slurm-keep-successful-logs": True,
        }
        profile["set-resources"]["train"] |= resources
        path = self.folder / "profile" / "config.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(profile))

    def command(self, *words: str) -> list[str]:
        start = [sys.executable, "-m", "snakemake", *words]
        start += ["--snakefile", str(REPOSITORY / "Snakefile"), "--directory", str(self.folder)]
        return [*start, "--workflow-profile", str(self.folder / "profile")]

    @property
    def log(self) -> Path:
        return self.folder / "snakemake.log"

    def start(self, *words: str) -> None:
        """Start snakemake, in a session of its own."""
        with self.log.open("wb") as handle:
            self.process = subprocess.Popen(
                self.command(*words),
                stdout=handle,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                start_new_session=True,
                # Where the tests run in the background, SIGINT would be ignored below them.
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
                env=os.environ | {"XDG_CACHE_HOME": str(self.folder / "cache")},
            )

    def finish(self) -> str:
        """Wait for a good end; give what snakemake said."""
        assert self.process is not None
        code = self.process.wait(timeout=400)
        text = self.log.read_text()
        assert code == 0, text
        return text

    def kill(self) -> None:
        """Kill snakemake and what stands below it on this side, as a lost login node does."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(timeout=60)

    def jobs(self, rule: str = "") -> list[dict[str, str]]:
        """What Slurm says of this project's jobs whose comment names a rule, in order."""
        found = []
        for line in call("scontrol", "show", "job", "-o").splitlines():
            job = dict(word.split("=", 1) for word in line.split() if "=" in word)
            mine = job.get("WorkDir") == str(self.folder)
            if mine and rule in job.get("Comment", ""):
                found.append(job)
        return sorted(found, key=lambda job: int(job["JobId"]))

    def wait_for_training(self) -> dict[str, str]:
        """Wait until a training has saved a state; give its Slurm job."""

        def trains() -> bool:
            assert self.process is None or self.process.poll() is None, self.log.read_text()
            return (self.folder / FOLDER / "resume.pt").exists()

        wait_until("a saved state", trains)
        return self.jobs("train")[-1]

    def running(self, command: str, options: str = "") -> int:
        """Give the process of a command: python itself, not the shell or Snakemake above it."""
        for path in Path("/proc").glob("[0-9]*"):
            try:
                line = (path / "cmdline").read_bytes().decode().split("\0")
                named = line[1:4] == ["-m", "bioseq_dl", command] and options in " ".join(line)
                if named and (path / "cwd").resolve() == self.folder:
                    return int(path.name)
            except OSError:
                continue
        raise AssertionError(f"no {command} {options} runs")

    def worker_of(self, trial: str) -> str | None:
        """Give the number of the worker that trains a trial, by what the workers say."""
        for path in sorted((self.folder / "results/logs/cnn/tune/fold0").glob("worker*.log")):
            if f"trial {trial} of " in path.read_text():
                return path.stem.removeprefix("worker")
        return None

    def text(self, name: str) -> str:
        return (self.folder / name).read_text()

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text(str(FOLDER / "train.json")))
        return found

    def train_log(self) -> str:
        """Give the training's log; empty where Snakemake has just removed the one before."""
        try:
            return self.text("results/logs/cnn/fold0/seed1/train.log")
        except FileNotFoundError:
            return ""

    def job_log(self, job: dict[str, str]) -> str:
        return Path(job["StdOut"]).read_text()


def copy_prepared(finished: Project, folder: Path) -> ClusterProject:
    """Give a copy of a finished project without its models: what is left to do is to train."""
    shutil.copytree(finished.folder, folder, symlinks=True)
    shutil.rmtree(folder / "results" / "runs")
    shutil.rmtree(folder / "results" / "report", ignore_errors=True)
    made = ClusterProject(folder)
    made.set_profile()
    return made
