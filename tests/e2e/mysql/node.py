"""The node of the one-node cluster, as its root: what happens to processes, networks and disks behind Kubernetes' back.

On another cluster the same commands are run on the node that holds the pod (for kind: `docker exec NODE …`).
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

CONTAINERD = "/run/one-node/containerd.sock"
STATE = Path("/var/lib/one-node")
FILLER = "filler"


def is_here() -> bool:
    """Tell whether this machine is the node, and we are its root."""
    return Path(CONTAINERD).exists() and os.geteuid() == 0


def run(*command: str, seconds: float = 60) -> str:
    """Run a program of the node; answer its stdout. Raises CalledProcessError."""
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=True).stdout


def pid_of(namespace: str, pod: str, container: str) -> int | None:
    """Answer the first process of a running container, as the node numbers it. Asks containerd, not Kubernetes."""
    labels = {
        "io.kubernetes.pod.namespace": namespace,
        "io.kubernetes.pod.name": pod,
        "io.kubernetes.container.name": container,
    }
    wanted = ",".join(f'labels."{key}"=={value}' for key, value in labels.items())
    ids = _ctr("containers", "ls", "-q", wanted).split()
    tasks = [line.split() for line in _ctr("tasks", "ls").splitlines()]
    return next((int(task[1]) for task in tasks if task[0] in ids and task[2] == "RUNNING"), None)


def send(pid: int, what: signal.Signals) -> None:
    """Send a signal to a process that may have ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


@contextmanager
def guarded(undo: str, *values: str, at_most: float, keep: tuple[int, ...] = ()) -> Iterator[None]:
    """Have a shell run `undo`, with `values` as $1, $2 …, in the end, and after `at_most` seconds if we are killed.

    It also keeps the files `keep` open until then.
    """
    command = ["sh", "-c", f"sleep {at_most} & trap 'kill $!' TERM; wait $!; {undo}", "guard", *values]
    guard = subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL, pass_fds=keep)
    try:
        yield
    finally:
        guard.terminate()
        guard.wait()


@contextmanager
def stopped(pid: int, at_most: float) -> Iterator[None]:
    """Stop a process (SIGSTOP) until the end of the block."""
    with guarded('kill -CONT "$1"', str(pid), at_most=at_most):
        os.kill(pid, signal.SIGSTOP)
        yield


def api_server_pid() -> int:
    """Answer the API server's process. Raises RuntimeError when the file names another."""
    pid = int((STATE / "kube-apiserver.pid").read_text())
    if Path(f"/proc/{pid}/comm").read_text().strip() != "kube-apiserver":
        raise RuntimeError(f"{STATE}/kube-apiserver.pid names no API server: start the cluster with hack/one-node/up")
    return pid


@contextmanager
def cut(pid: int, at_most: float) -> Iterator[None]:
    """Drop every packet from and to the network of the pod that `pid` is in; nobody is told. Until the block ends."""
    # The pod may be replaced meanwhile: the namespace is kept by its file, not by the process.
    network = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    iptables = f"nsenter --net=/dev/fd/{network} iptables --wait"
    heal = f"{iptables} -D INPUT ! -i lo -j DROP; {iptables} -D OUTPUT ! -o lo -j DROP"
    try:
        with guarded(heal, at_most=at_most, keep=(network,)):
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
    """Mount an empty file system of that size over `path`. Pods that start from then on find it there."""
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
    """Write a file there until the disk is full."""
    done = subprocess.run(["dd", "if=/dev/zero", f"of={path / FILLER}", "bs=64k"], capture_output=True, check=False)
    if b"No space left" not in done.stderr:
        raise RuntimeError(f"{path} did not get full: {done.stderr.decode()}")


def _ctr(*arguments: str) -> str:
    return run("ctr", "--address", CONTAINERD, "--namespace", "k8s.io", *arguments)
