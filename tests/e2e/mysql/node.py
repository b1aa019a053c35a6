"""Faults on the node of the one-node cluster, as root: signals, network partitions and full disks.

On another cluster, run the same commands on the node of the pod (for kind: `docker exec NODE …`).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.cluster import cluster_kind

CONTAINERD = "/run/one-node/containerd.sock"
STATE = Path("/var/lib/one-node")
FILLER = "filler"


def require(repository: Path, reason: str) -> None:
    """Fail unless the kubectl context is the one-node cluster, this machine its node, and this process root's."""
    kind = cluster_kind(repository)
    if kind != "one-node" or not Path(CONTAINERD).exists() or os.geteuid() != 0:
        pytest.fail(f"needs root on the one-node cluster's node, {reason}, and the context is of {kind}: make cluster")


def run(*command: str, seconds: float = 60) -> str:
    """Run a program on the node; return its stdout. Raises CalledProcessError."""
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True).stdout


def pid_of(namespace: str, pod: str, container: str) -> int | None:
    """Return the process ID, on the node, of a running container's first process. Needs no API server."""
    labels = {
        "io.kubernetes.pod.namespace": namespace,
        "io.kubernetes.pod.name": pod,
        "io.kubernetes.container.name": container,
    }
    wanted = ",".join(f'labels."{key}"=={value}' for key, value in labels.items())
    ids = _ctr("containers", "ls", "-q", wanted).split()
    tasks = [line.split() for line in _ctr("tasks", "ls").splitlines()]
    return next((int(task[1]) for task in tasks if task[0] in ids and task[2] == "RUNNING"), None)


def child_of(pid: int) -> int | None:
    """Return the process ID of the first process that this one has started, if it runs."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(children[0]) if children else None


def send(pid: int, what: signal.Signals) -> None:
    """Send a signal to a process; one that has ended already is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


@contextmanager
def undone_by_shell(undo: str, *values: str, at_most: float, keep: tuple[int, ...] = ()) -> Iterator[None]:
    """Run the shell command `undo` ($1, $2 … are `values`) at the end of the block, or after `at_most` seconds.

    It runs in a process of its own, so that the fault ends also where the tests are killed. That process keeps the
    file descriptors `keep` open.
    """
    command = ["sh", "-c", f"sleep {at_most} & trap 'kill $!' TERM; wait $!; {undo}", "undo", *values]
    process = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, pass_fds=keep)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


@contextmanager
def stopped(pid: int, at_most: float) -> Iterator[None]:
    """Stop a process (SIGSTOP) until the end of the block."""
    with undone_by_shell('kill -CONT "$1"', str(pid), at_most=at_most):
        os.kill(pid, signal.SIGSTOP)
        yield


def api_server_pid() -> int:
    """Return the API server's process ID. Raises RuntimeError when its file names another program."""
    pid = int((STATE / "kube-apiserver.pid").read_text())
    if Path(f"/proc/{pid}/comm").read_text().strip() != "kube-apiserver":
        raise RuntimeError(
            f"{STATE}/kube-apiserver.pid is not of the API server: start the cluster with hack/one-node/up"
        )
    return pid


@contextmanager
def partitioned(pid: int, at_most: float) -> Iterator[None]:
    """Drop every packet from and to the pod of the process `pid` until the end of the block."""
    # The open file keeps the network namespace where the pod is replaced meanwhile.
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    iptables = f"nsenter --net=/dev/fd/{network} iptables --wait"
    undo = f"{iptables} -D INPUT ! -i lo -j DROP; {iptables} -D OUTPUT ! -o lo -j DROP"
    try:
        with undone_by_shell(undo, at_most=at_most, keep=(network,)):
            for rule in (["INPUT", "!", "-i", "lo"], ["OUTPUT", "!", "-o", "lo"]):
                run(
                    "nsenter",
                    f"--net=/proc/{os.getpid()}/fd/{network}",
                    "iptables",
                    "--wait",
                    "-I",
                    *rule,
                    "-j",
                    "DROP",
                )
            yield
    finally:
        os.close(network)


@contextmanager
def small_disk(path: Path, mebibytes: int) -> Iterator[Path]:
    """Mount an empty file system of that size over `path`; pods that start in the block use it."""
    image = STATE / f"small-disk-{threading.get_native_id()}.img"
    with image.open("wb") as file:
        file.truncate(mebibytes * 2**20)
    run("mkfs.ext4", "-q", "-m", "0", str(image))
    run("mount", "-o", "loop", str(image), str(path))
    try:
        path.chmod(0o777)
        shutil.rmtree(path / "lost+found")
        yield path
    finally:
        (path / FILLER).unlink(missing_ok=True)
        run("umount", "--lazy", str(path))
        image.unlink()


def fill(path: Path) -> None:
    """Write a file into the folder until its disk is full."""
    done = subprocess.run(["dd", "if=/dev/zero", f"of={path / FILLER}", "bs=64k"], capture_output=True, check=False)
    if b"No space left" not in done.stderr:
        raise RuntimeError(f"{path} is not full: {done.stderr.decode()}")


def _ctr(*arguments: str) -> str:
    return run("ctr", "--address", CONTAINERD, "--namespace", "k8s.io", *arguments)
