"""A Slurm of its own on one machine: two nodes, fake GPUs, as root, without systemd or slurmdbd."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "squeue", "scontrol", "scancel")
SYSTEM = Path("/etc/slurm")
FILES = ("slurm.conf", "gres.conf", "cgroup.conf")
NODES, CPUS, MEMORY, GPUS = 2, 4, 64000, 2


class NoSlurm(Exception):  # noqa: N818  (a reason, not an error)
    """Why no Slurm can be had."""


def find_program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise NoSlurm(f"{name} is not installed (packages slurm-wlm and munge)")
    return found


def call(*words: str) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=60).stdout


def has_own_slurm() -> bool:
    """Tell whether this machine belongs to a Slurm that works."""
    if not (SYSTEM / "slurm.conf").exists() or shutil.which("sinfo") is None:
        return False
    done = subprocess.run(["sinfo", "-h"], capture_output=True, check=False, timeout=30)
    return done.returncode == 0


def _configuration(folder: Path) -> dict[str, str]:
    """The three files. SLURM_CONF would not do: the executor drops it from a job's environment."""
    host = socket.gethostname().split(".")[0]
    lines = f"""
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/run/munge.sock,cred_expire=20
CredType=cred/munge
SlurmctldPort=16817
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
JobRequeue=1
MinJobAge=900
KillWait=20
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
GresTypes=gpu
""".strip().splitlines()
    gres = []
    for number in range(1, NODES + 1):
        lines.append(
            f"NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={17000 + number}"
            f" CPUs={CPUS} RealMemory={MEMORY} Gres=gpu:{GPUS} State=UNKNOWN"
        )
        gres.append(f"NodeName=n{number} Name=gpu File={folder}/dev/nvidia[0-{GPUS - 1}]")
    lines.append(f"PartitionName=cpu Nodes=n[1-{NODES}] Default=YES MaxTime=UNLIMITED State=UP")
    lines.append("PartitionName=gpu Nodes=n2 MaxTime=UNLIMITED State=UP")
    cgroup = ("CgroupAutomount=no", "ConstrainCores=no", "ConstrainRAMSpace=no")
    texts = ("\n".join(each) + "\n" for each in (lines, gres, cgroup))
    return dict(zip(FILES, texts, strict=True))


def _stop(pid_file: Path) -> None:
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        return  # gone, or never there


@contextmanager
def run_lab(folder: Path) -> Iterator[None]:
    """Have a Slurm while the block runs; leave no process and no file of it behind.

    Raises
    ------
    NoSlurm
        Where it cannot be: not root, not installed, or another Slurm's files are in the way.
    """
    if os.geteuid() != 0:
        raise NoSlurm("a Slurm for the tests is started by root only")
    programs = {name: find_program(name) for name in PROGRAMS}
    if foreign := [name for name in FILES if (SYSTEM / name).exists()]:
        raise NoSlurm(f"{SYSTEM}/{foreign[0]} belongs to another Slurm, which does not answer")
    for name in FILES:
        (SYSTEM / name).unlink(missing_ok=True)  # a link of a lab that is gone
    for name in ("state", "log", "spool", "run", "dev"):
        (folder / name).mkdir(parents=True)
    for number in range(NODES):
        (folder / "spool" / f"n{number + 1}").mkdir()
    for number in range(GPUS):  # null devices: Slurm only counts them
        os.mknod(folder / "dev" / f"nvidia{number}", 0o20666, os.makedev(1, 3))
    key = folder / "munge.key"
    key.write_bytes(secrets.token_bytes(1024))
    key.chmod(0o400)
    made_system = not SYSTEM.exists()
    SYSTEM.mkdir(exist_ok=True)
    run = folder / "run"
    try:
        for name, text in _configuration(folder).items():
            (folder / name).write_text(text)
            (SYSTEM / name).symlink_to(folder / name)
        call(
            *(programs["munged"], "--force", f"--key-file={key}", f"--socket={run}/munge.sock"),
            *(f"--pid-file={run}/munged.pid", f"--log-file={folder}/log/munged.log"),
            f"--seed-file={run}/munged.seed",
        )
        call(programs["slurmctld"], "-f", str(SYSTEM / "slurm.conf"))
        for number in range(1, NODES + 1):
            start_node(f"n{number}", resume=False)
        _wait_for_nodes(folder)
        yield
    finally:
        _take_down(run)
        for name in FILES:
            if (SYSTEM / name).is_symlink():
                (SYSTEM / name).unlink()
        if made_system:
            SYSTEM.rmdir()


def start_node(name: str, resume: bool = True) -> None:
    """Start a node's daemon; where it was down, tell the controller that it is back."""
    call(find_program("slurmd"), "-f", str(SYSTEM / "slurm.conf"), "-N", name)
    if resume:
        # Refused where the node has come back by itself (ReturnToService).
        words = ["scontrol", "update", f"nodename={name}", "state=resume"]
        subprocess.run(words, capture_output=True, check=False, timeout=60)


def _wait_for_nodes(folder: Path) -> None:
    states: set[str] = set()
    for _ in range(120):
        done = subprocess.run(
            ["sinfo", "-h", "-N", "-o", "%T"], capture_output=True, text=True, check=False
        )
        states = set(done.stdout.split())
        if states == {"idle"}:
            return
        time.sleep(0.5)
    log = (folder / "log" / "slurmctld.log").read_text()
    raise NoSlurm(f"the nodes do not come up ({', '.join(states)}): {log[-500:]}")


def _take_down(run: Path) -> None:
    # Jobs first: a job outlives the daemons.
    subprocess.run(["scancel", "--user", "root"], capture_output=True, check=False, timeout=30)
    for _ in range(60):
        done = subprocess.run(["squeue", "-h"], capture_output=True, text=True, check=False)
        if done.returncode != 0 or not done.stdout.strip():
            break
        time.sleep(0.5)
    for pattern in ("slurmd.*.pid", "slurmctld.pid", "munged.pid"):
        for path in sorted(run.glob(pattern)):
            _stop(path)
