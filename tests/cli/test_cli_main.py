"""The command itself: help, versions, exit codes, and nothing loaded in vain."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from importlib import import_module

import pytest
from small_project import Project

from bioseq_dl import __version__
from bioseq_dl.cli.main import COMMANDS, main

HEAVY = ["torch", "numpy", "pandas", "pyarrow", "sklearn", "scipy", "Bio", "matplotlib", "httpx"]


def run_python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_no_help_loads_a_heavy_library() -> None:
    code = f"""
import sys
from bioseq_dl.cli.main import COMMANDS, main
for words in [["--help"], ["--version"], *([name, "--help"] for name in COMMANDS)]:
    try:
        main(words)
    except SystemExit as end:
        assert end.code == 0, words
print(sorted(set({HEAVY!r}) & set(sys.modules)))
"""
    assert run_python(code) == "[]"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_says_what_it_is_for(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert COMMANDS[command][1:] in " ".join(capsys.readouterr().out.split())
    parser = argparse.ArgumentParser()
    import_module(f"bioseq_dl.cli.{command}").add_arguments(parser)
    assert [action.dest for action in parser._actions if not action.help] == []


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--help"])
    assert caught.value.code == 0
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{name} {told}" in text for name, told in COMMANDS.items())


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"bioseq-dl {__version__}\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["encod"],
        ["encode"],
        ["train", "--fold", "-1"],
        ["train", "--seed", "one"],
        ["train", "--threads", "0"],
        ["predict", "--device", "tpu"],
        ["check"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2_and_the_usage(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("usage: bioseq-dl")
    assert "error: " in error.splitlines()[-1]


def test_module_and_command_are_one() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bioseq_dl", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"bioseq-dl {__version__}\n"


def test_bad_input_ends_with_2_in_a_process(fresh: Project) -> None:
    (fresh / "bound.fa").unlink()
    done = subprocess.run(
        [sys.executable, "-m", "bioseq_dl", *fresh.words("fetch")], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        f"error: {fresh / 'bound.fa'}: no such file; "
        "fix: relative paths count from the working directory\n"
    )


def test_a_reader_that_closes_early_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} -m bioseq_dl reference --format json | head -n 1",
        shell=True,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "{\n"
    assert done.stderr == ""


def test_interrupt_ends_with_130(
    fresh: Project, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bioseq_dl.cli.fetch.run", interrupt)
    assert fresh.run("fetch") == 130
    assert capsys.readouterr().err == "interrupted\n"


def test_sigterm_ends_a_training_with_143_and_it_goes_on(finished: Project) -> None:
    slow = finished.section()["train"] | {"epochs": 500, "patience": None}
    finished.configure("slow.yaml", cnn=finished.section(train=slow))
    words = finished.words("train", "slow.yaml", model="stopped/model.pt")
    process = subprocess.Popen(
        [sys.executable, "-m", "bioseq_dl", *words], stderr=subprocess.PIPE, text=True
    )
    try:
        deadline = time.monotonic() + 120
        while not (finished / "stopped/history.csv").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, error = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 143
    assert f"asked to end; {finished / 'stopped/resume.pt'} holds the state" in error
    assert "Traceback" not in error
    left = {path.name for path in (finished / "stopped").iterdir()}
    assert left == {"history.csv", "resume.pt"}
    epochs = len((finished / "stopped/history.csv").read_text().splitlines())
    assert epochs < 500
