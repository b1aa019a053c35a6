"""The cluster: pods with their volumes and processes, what the kubelet does with them, and the clients."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from tests.simulation import boundary, statements
from tests.simulation.checks import Checks
from tests.simulation.group import Group
from tests.simulation.kernel import Kernel, Process
from tests.simulation.kubernetes_api import Api
from tests.simulation.mysqld import Mysqld, Volume
from tests.simulation.network import Network

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
LEAVE_SECONDS = 20  # of the preStop hook
APPLICATION = "efishery"  # its account


@dataclass(eq=False)
class Pod:
    """One pod of the StatefulSet. `up`: its node is; `port` is the agent's, once it serves."""

    name: str
    run_dir: Path
    volume: Volume
    server: Mysqld | None = None
    agent: Process | None = None
    port: boundary.Port | None = None
    up: bool = True
    deleting: bool = False


class World:
    """Everything in one run. `wanted` is the StatefulSet's number of replicas."""

    def __init__(self, seed: int, folder: Path, wanted: int, write: Callable[[str], object]) -> None:
        self.kernel, self.network, self.api = Kernel(seed), Network(), Api()
        self.folder, self.wanted, self._write = folder, wanted, write
        self.pods: dict[str, Pod] = {}
        self.groups: list[Group] = []
        self.skew: dict[str, float] = {}
        self.interval = self.kernel.random.choice((0.5, 1.0, 1.0, 1.0))
        self.recovery_factor = self.kernel.random.choice((0.2, 0.5, 1, 2))
        self.recovery_failures = 0.0
        self.clone_steps = self.kernel.random.choice((1, 3, 10))
        self.kubelet = Process(self.kernel, "kubelet")
        self.checks = Checks(self)
        self._rows = 0

    def begin(self) -> None:
        """Install the chart."""
        self.api.create("stateful_set", "mysql", BEGIN)
        self.api.create("lease", "mysql", BEGIN)
        for name in self.names:
            self.create_pod(name)
        self.kernel.after(1, self._client)
        self.kernel.after(1, self.checks.sample)

    @property
    def names(self) -> list[str]:
        """The pods that the StatefulSet wants."""
        return [f"mysql-{number}" for number in range(self.wanted)]

    @property
    def now(self) -> datetime:
        """The true time."""
        return BEGIN + timedelta(seconds=self.kernel.now)

    def wall_clock(self, pod: str) -> datetime:
        """The time of the pod's node."""
        return self.now + timedelta(seconds=self.skew.get(pod, 0))

    def host(self, pod: str) -> str:
        """The DNS name of a pod."""
        return f"{pod}.mysql.db.svc.cluster.local"

    def log(self, source: str, text: str) -> None:
        """Write a line of the run's log."""
        self._write(f"{self.kernel.now:8.2f} {source:10} {text}")

    def uuid(self) -> UUID:
        """A random UUID."""
        return UUID(int=self.kernel.random.getrandbits(128), version=4)

    def new_volume(self, name: str) -> Volume:
        """An empty volume, with a new claim."""
        uuid = str(self.uuid())
        folder = self.folder / "volumes" / uuid
        folder.mkdir(parents=True)
        self.api.create("persistent_volume_claim", f"data-{name}", self.now, status={"phase": "Bound"})
        return Volume(uuid, folder)

    def create_pod(self, name: str) -> None:
        """Create a pod, with a new volume if it has none."""
        pod = self.pods.get(name)
        if pod is None:
            pod = self.pods[name] = Pod(name, self.folder / name, self.new_volume(name))
            pod.run_dir.mkdir()
        pod.deleting = False
        labels = {"app.kubernetes.io/name": "mysql", "apps.kubernetes.io/pod-index": name.rpartition("-")[2]}
        self.api.create("pod", name, self.now, labels, status={"phase": "Running"})
        self.log(name, "pod created")
        self.kernel.after(self.kernel.between(0.2, 1), lambda: self.start_agent(pod))
        self.kernel.after(self.kernel.between(0.5, 2), lambda: self.start_mysqld(pod))

    def start_agent(self, pod: Pod) -> None:
        """Start the agent's container if it does not run."""
        if self.api.labels(pod.name) and pod.up and not (pod.agent and pod.agent.alive):
            pod.agent = Process(self.kernel, pod.name)
            pod.port = None
            pod.agent.spawn(boundary.run_agent, self, pod)

    def start_mysqld(self, pod: Pod) -> None:
        """Start mysqld's container if it does not run."""
        if self.api.labels(pod.name) and pod.up and not (pod.server and pod.server.process.alive):
            for file in ("leave", "left"):
                (pod.run_dir / file).unlink(missing_ok=True)
            pod.server = Mysqld(self.kernel, pod.name, pod.volume, self.kernel.now + self.kernel.between(0.5, 4))

    def mysqld_exited(self, server: Mysqld) -> None:
        """End a mysqld; the kubelet starts it again."""
        server.process.kill()
        self.log(server.pod, "mysqld ended")
        self.kernel.after(self.kernel.between(0.5, 4), lambda: self.start_mysqld(self.pods[server.pod]))

    def kill_mysqld(self, pod: Pod) -> None:
        """As by SIGKILL."""
        if pod.server and pod.server.process.alive:
            self.mysqld_exited(pod.server)

    def kill_agent(self, pod: Pod) -> None:
        """As by SIGKILL."""
        if pod.agent and pod.agent.alive:
            pod.agent.kill()
            self.log(pod.name, "agent ended")
            self.kernel.after(self.kernel.between(0.5, 4), lambda: self.start_agent(pod))

    def delete_pod(self, pod: Pod, *, graceful: bool) -> None:
        """Delete a pod; the StatefulSet creates it again unless it is one too many."""
        if not pod.deleting and pod.up and self.api.labels(pod.name):
            pod.deleting = True
            self.kubelet.spawn(self._delete, pod, graceful)

    def _delete(self, pod: Pod, graceful: bool) -> None:
        self.log(pod.name, f"pod is deleted{'' if graceful else ' by force'}")
        server = pod.server
        if graceful and server and server.process.alive:
            (pod.run_dir / "leave").touch()
            deadline = self.kernel.now + LEAVE_SECONDS
            while self.kernel.now < deadline and not (pod.run_dir / "left").exists():
                self.kernel.sleep(0.5)
            if server.process.running:
                server.process.spawn(statements.stop, self, server)
                self.kernel.sleep(self.kernel.between(1, 5))
        self.end_pod(pod)
        self.api.delete("pod", pod.name)
        self.kernel.sleep(self.kernel.between(0.5, 5))
        pod.deleting = False
        if pod.name in self.names and pod.up and not self.api.labels(pod.name):
            self.create_pod(pod.name)

    def end_pod(self, pod: Pod) -> None:
        """End all processes of a pod."""
        for process in (pod.agent, pod.server.process if pod.server else None):
            if process:
                process.kill()

    def lose_volume(self, pod: Pod) -> None:
        """Give a pod that has ended an empty volume."""
        shutil.rmtree(pod.volume.folder)
        self.checks.volumes_lost += 1
        pod.volume = self.new_volume(pod.name)

    def create_lease(self) -> None:
        """Create the Lease, as the chart does where there is none."""
        if not self.api.find("lease", "mysql"):
            self.api.create("lease", "mysql", self.now)
            self.log("api", "the Lease is created")

    def heal(self) -> None:
        """End all faults that have not ended."""
        self.log("run", "all faults end")
        self.network, self.api.lost_answers, self.recovery_failures = Network(), 0.0, 0.0
        self.create_lease()
        for pod in self.pods.values():
            if pod.agent and pod.agent.stopped:
                pod.agent.continue_()
            if pod.server and pod.server.process.stopped:
                pod.server.continue_()

    def doing(self, name: str) -> str:
        """What a pod's agent says that it does."""
        pod = self.pods[name]
        return str(pod.port.status()["doing"]) if pod.agent and pod.agent.alive and pod.port else "no agent"

    def end(self) -> None:
        """End all processes."""
        for pod in self.pods.values():
            self.end_pod(pod)
        self.kubelet.kill()
        self.kernel.run(0)

    def _client(self) -> None:
        """Write a row through the Service mysql-primary, which selects by label."""
        self.kernel.after(self.kernel.between(0.2, 0.8), self._client)
        endpoints = [pod for pod in self.pods.values() if self.api.labels(pod.name).get("role") == "primary"]
        pod = self.kernel.random.choice(endpoints) if endpoints else None
        server = pod.server if pod else None
        if server and server.writable and server.seat and APPLICATION in server.volume.users:
            self._rows += 1
            if server.seat.group.commit(server.seat, self._rows):
                self.checks.acknowledged.add(self._rows)
