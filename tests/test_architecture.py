"""The house: imports go down the floors, and each step's env holds what it imports."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import yaml

from bioseq_dl.cli.main import COMMANDS
from bioseq_dl.source_code import (
    ROOT,
    code_digest,
    imported_modules,
    read_code,
    step_modules,
    step_packages,
)
from bioseq_dl.steps import STEPS
from bioseq_dl.tasks.registry import TASKS
from bioseq_dl.tasks.task import resolve

REPOSITORY = ROOT.parent

# Lowest first; the floors that docs/architecture.md names.
FLOORS = (
    ("errors", "config", "provenance"),
    ("io",),
    ("encode",),
    ("data",),
    (
        *("predictions", "weighted", "metrics", "bootstrap", "calibration", "calls", "models"),
        *("residue_metrics", "residue_outputs", "segment_overlap"),
    ),
    ("tasks",),
    ("train",),
    ("predict", "predict_cells", "predict_residues", "annotate", "perturb"),
    (
        "variants",
        "interpret",
        "landscape",
        "baselines",
        "evaluate",
        "steps",
        "tune",
        "source_code",
        "layout",
        "archive",
        "reproduction",
    ),
    ("report",),
    ("cli", "__main__"),
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}

# Import name: name of the package in env files and extras.
PACKAGES = {
    "Bio": "biopython",
    "graspologic_native": "graspologic-native",
    "jinja2": "jinja2",
    "lightning_fabric": "lightning-fabric",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "pydantic_core": "pydantic",
}
CONDA = {"torch": "pytorch"}
# Needed by a step though no module of ours imports it, with the reason.
INDIRECT: dict[str, dict[str, str]] = {}
# Imported only where the config asks for it, so an extra of its own.
OPTIONAL = {"tensorboard"}


def modules() -> list[str]:
    paths = [path.relative_to(ROOT.parent).with_suffix("") for path in ROOT.rglob("*.py")]
    return sorted(".".join(path.parts).removesuffix(".__init__") for path in paths)


def floor_of(module: str) -> int:
    parts = module.split(".")
    return -1 if len(parts) == 1 else FLOOR[parts[1]]


@pytest.mark.parametrize("module", modules())
def test_imports_go_down_the_floors(module: str) -> None:
    upward = [
        name
        for name in imported_modules(module)
        if name.startswith("bioseq_dl") and floor_of(name) > floor_of(module)
    ]
    assert not upward, f"{module} imports from a higher floor: {upward}"


def test_every_floor_stands() -> None:
    found = {module.split(".")[1] for module in modules() if "." in module}
    assert found == set(FLOOR)


def declared_packages(lines: list[str]) -> set[str]:
    names = {line.split("[")[0] for line in lines}
    for sign in "<>=!~ ;":
        names = {name.split(sign)[0] for name in names}
    return {name.lower() for name in names}


def list_dependencies(env: dict[str, list[str | dict[str, list[str]]]]) -> list[str]:
    """Packages of the channels, then those that pip puts beside them."""
    lines = [line for line in env["dependencies"] if isinstance(line, str)]
    for line in env["dependencies"]:
        if isinstance(line, dict):
            assert any(other.startswith("pip ") for other in lines), "pip itself is not listed"
            lines += line["pip"]
    return lines


@pytest.mark.parametrize("step", STEPS)
def test_env_extra_and_imports_of_a_step_agree(step: str) -> None:
    imported = {PACKAGES.get(name, name) for name in step_packages(step)} - OPTIONAL
    imported |= set(INDIRECT.get(step, {}))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    core = declared_packages(project["dependencies"])
    extra = declared_packages(project["optional-dependencies"][step])
    env = yaml.safe_load((REPOSITORY / "envs" / f"{step}.yaml").read_text())
    assert env["channels"] == ["conda-forge", "bioconda", "nodefaults"]
    conda = declared_packages(list_dependencies(env)) - {"python", "pip"}
    assert extra | core == imported | core, "the extra and the imports differ"
    assert conda == {CONDA.get(name, name) for name in imported | core}, "env and imports differ"


def test_env_versions_are_those_of_the_lock_file() -> None:
    lock = {}
    for line in (REPOSITORY / "requirements.lock").read_text().splitlines():
        if "==" in line:
            name, version = line.split("==")
            lock[name.lower().replace("_", "-")] = version
    lock["pytorch"] = lock["torch"]
    for path in (REPOSITORY / "envs").glob("*.yaml"):
        for line in list_dependencies(yaml.safe_load(path.read_text())):
            name, pin = line.replace("==", "=").removesuffix(".*").split(" =")
            if name != "python":
                assert lock[name].split(".")[:2] == pin.split("."), f"{path.name}: {line}"


def test_env_files_are_of_one_form() -> None:
    pythons = set()
    for path in (REPOSITORY / "envs").glob("*.yaml"):
        env = yaml.safe_load(path.read_text())
        assert list(env) == ["channels", "dependencies"], path.name
        lines = env["dependencies"]
        of_pip = [line["pip"] for line in lines if isinstance(line, dict)]
        names = [line.split(" ")[0] for line in list_dependencies(env)]
        assert names[0] == "python", path.name
        pythons.add(lines[0])
        assert len(names) == len(set(names)), f"{path.name}: a package twice"
        assert ("pip" in names) == (len(of_pip) == 1), f"{path.name}: pip without need"
        assert not of_pip or isinstance(lines[-1], dict), f"{path.name}: pip's own come last"
    assert pythons == {"python =3.11"}, "all steps run the Python that the lock file is made with"


def test_there_is_an_env_a_step_and_a_command_for_each() -> None:
    assert {path.stem for path in (REPOSITORY / "envs").glob("*.yaml")} == set(STEPS)
    assert set(STEPS) <= set(COMMANDS)
    assert all((ROOT / "cli" / f"{name}.py").exists() for name in COMMANDS)
    assert {name: COMMANDS[name] for name in STEPS} == {n: s.help for n, s in STEPS.items()}


def test_all_functions_of_all_tasks_exist() -> None:
    for task in TASKS.values():
        names = ["read", "encode", "write", "evaluate"]
        if task.build_model is not None:
            names += ["feed", "build_model", "loss"]
        assert all(callable(task.load(name)) for name in names)
        assert all(callable(resolve(reference)) for reference in task.baselines.values())


def test_light_steps_load_no_torch() -> None:
    for step in ("fetch", "ingest", "split", "encode", "baseline", "evaluate", "report"):
        assert "torch" not in step_packages(step), step


def test_code_digest_covers_the_modules_a_step_runs() -> None:
    assert "bioseq_dl.io.fasta" in step_modules("ingest")
    assert "bioseq_dl.train.loop" in step_modules("train")
    assert "bioseq_dl.train.loop" not in step_modules("evaluate")
    assert len({code_digest(step) for step in STEPS}) == len(STEPS)


def test_comments_and_docstrings_are_no_code(tmp_path: Path) -> None:
    texts = {
        "plain": "def add(a, b):\n    return a + b\n",
        "told": '"""Adds."""\n\n\ndef add(a, b):\n    """Sum."""\n    return a + b  # so\n',
        "other": "def add(a, b):\n    return a - b\n",
    }
    codes = {}
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
        codes[name] = read_code(tmp_path / name)
    assert codes["plain"] == codes["told"] != codes["other"]


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda path: path.name)
def test_files_stay_one_idea_long(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 360, "split this file: one idea each"
