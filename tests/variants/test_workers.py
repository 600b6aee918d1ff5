"""Chunks scored in several processes: in order, with their errors, whatever becomes of one."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from plain_reference import make_checkpoint, save
from scored_files import draw_contig, run_variants, write_genome, write_vcf

from bioseq_dl.errors import InputError
from bioseq_dl.io.vcf import survey as survey_module
from bioseq_dl.variants.workers import Workers, map_in_order, share_threads

forks = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux alone")


@pytest.mark.parametrize("count", [1, pytest.param(3, marks=forks)])
@pytest.mark.parametrize("items", [0, 1, 3, 20])
def test_results_come_in_the_order_of_the_items(count: int, items: int) -> None:
    def work(item: int) -> tuple[int, bytes]:
        time.sleep(0.01 * (item % 3 == 0))
        return item * item, b"x" * 200_000  # more than a pipe holds

    found = list(map_in_order(work, range(items), count))
    assert [value for value, _ in found] == [item * item for item in range(items)]


@forks
def test_work_is_done_in_as_many_processes_as_asked_with_a_thread_each() -> None:
    found = list(map_in_order(lambda _: (os.getpid(), torch.get_num_threads()), range(8), 2))
    assert len({process for process, _ in found}) == 2
    assert os.getpid() not in {process for process, _ in found}
    assert {threads for _, threads in found} == {1}


@pytest.mark.parametrize("count", [1, pytest.param(2, marks=forks)])
def test_the_first_error_is_raised_after_the_results_before_it(count: int) -> None:
    def work(item: int) -> int:
        if item >= 3:
            raise InputError("bad", file="a.vcf", record=str(item))
        return item

    results = map_in_order(work, range(10), count)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(InputError, match=r"^a\.vcf, record '3': bad$"):
        next(results)


@forks
def test_a_process_that_dies_is_told() -> None:
    def work(item: int) -> int:
        if item == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(InputError, match="ended unexpectedly; fix: where memory ran out"):
        list(map_in_order(work, range(6), 2))


@forks
def test_no_process_is_left_when_the_reader_stops_or_fails() -> None:
    def items() -> Iterator[int]:
        yield from range(4)
        raise InputError("the file ends here")

    results = map_in_order(lambda _: os.getpid(), range(100), 2)
    processes = {next(results), next(results)}
    results.close()
    with pytest.raises(InputError, match="ends here"):
        processes.update(map_in_order(lambda _: os.getpid(), items(), 2))
    assert len(processes) == 4
    for process in processes:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_threads_become_processes_where_there_is_enough_to_do() -> None:
    several = Workers(4, 1) if sys.platform == "linux" else Workers(1, 4)
    assert share_threads(4, 100, "cpu") == several
    assert share_threads(4, 3, "cpu") == Workers(1, 4)
    assert share_threads(4, 100, "cuda") == Workers(1, 4)
    assert share_threads(1, 100, "cpu") == Workers(1, 1)


@forks
def test_the_command_writes_the_same_bytes_in_any_number_of_processes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    real = survey_module.survey_vcf
    monkeypatch.setattr(survey_module, "survey_vcf", lambda path: real(path, chunk_records=16))
    contig = draw_contig(900, 1)
    genome = write_genome(tmp_path, {"1": contig})
    models = save(tmp_path, make_checkpoint(11), make_checkpoint(11, seed=1))
    other = {"A": "C", "C": "G", "G": "T", "T": "A"}
    vcf = write_vcf(
        tmp_path / "in.vcf",
        [("1", at + 1, contig[at], other[contig[at]] + "AC" * (at % 2)) for at in range(100)],
    )
    written = []
    for threads in ("1", "3"):
        assert run_variants(tmp_path, models, vcf, genome, "--threads", threads) == 0
        written.append([(tmp_path / name).read_bytes() for name in ("out.vcf.gz", "out.parquet")])
        torch.set_num_threads(1)
    assert written[0] == written[1]
    assert "scored in 3 processes" in capfd.readouterr().err
    bad = write_vcf(
        tmp_path / "bad.vcf", [("1", at + 1, other[contig[at]], "N") for at in range(99)]
    )
    words = ("--threads", "3", "--mismatch", "strict")
    assert run_variants(tmp_path, models, bad, genome, *words) == 2
    assert "found '1:1 " in capfd.readouterr().err
