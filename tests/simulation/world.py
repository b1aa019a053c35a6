"""The cluster: pods with their volumes and processes, what the kubelet does with them, and the clients."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID

from tests.simulation.checks import Checks
from tests.simulation.group import Group
from tests.simulation.kernel import Kernel
from tests.simulation.kubelet import Kubelet, Pod
from tests.simulation.kubernetes_api import Api
from tests.simulation.mysqld import Volume
from tests.simulation.network import Network

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
APPLICATION = "efishery"  # its account


class World:
    """Everything in one run. `wanted` is the StatefulSet's number of replicas."""

    def __init__(self, seed: int, folder: Path, wanted: int, write: Callable[[str], object]) -> None:
        self.kernel, self.network, self.api = Kernel(seed), Network(), Api()
        self.plan = Random(-seed - 1)  # the faults: apart, so that they stay when the agent makes more calls, or fewer
        self.folder, self.wanted, self._write = folder, wanted, write
        self.pods: dict[str, Pod] = {}
        self.groups: list[Group] = []
        self.skew: dict[str, float] = {}
        self.interval = self.kernel.random.choice((0.5, 2.0, 2.0, 2.0, 2.0))
        self.recovery_factor = self.kernel.random.choice((0.2, 0.5, 1, 2))
        self.recovery_failures = 0.0
        self.clone_steps = self.kernel.random.choice((1, 3, 10))
        self.kubelet = Kubelet(self)
        self.checks = Checks(self)
        self._rows = 0

    def begin(self) -> None:
        """Install the chart."""
        self.api.create("stateful_set", "mysql", BEGIN)
        self.api.create("lease", "mysql", BEGIN)
        for name in self.names:
            self.kubelet.create_pod(name)
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

    def create_lease(self) -> None:
        """Create the Lease, as the chart does where there is none."""
        if not self.api.find("lease", "mysql"):
            self.api.create("lease", "mysql", self.now)
            self.log("api", "the Lease is created")

    def scale_to(self, wanted: int) -> None:
        """Change the number of members; the volumes of removed pods stay."""
        before, self.wanted = self.names, wanted
        self.log("scale", f"{len(before)} to {wanted} members")
        for name in self.names[len(before) :]:
            self.kubelet.create_pod(name)
        for name in before[wanted:]:
            self.checks.scaled_in = True
            self.kubelet.delete_pod(self.pods[name], graceful=True)

    def age(self) -> None:
        """Let all objects be an hour older: nobody loses the Lease while the release is installed."""
        for found in self.api.objects:
            created = datetime.fromisoformat(found["metadata"]["creationTimestamp"])
            found["metadata"]["creationTimestamp"] = (created - timedelta(hours=1)).isoformat()

    def lose_lease(self) -> None:
        """Delete the Lease."""
        self.age()
        self.api.delete("lease", "mysql")
        self.checks.lease_lost = True
        self.log("api", "the Lease is lost")

    def heal(self) -> None:
        """End all faults that have not ended."""
        self.log("run", "all faults end")
        self.network, self.api.lost_answers, self.recovery_failures = Network(), 0.0, 0.0
        self.create_lease()
        for pod in self.pods.values():
            self.kubelet.return_node(pod, pod.outages)
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
            self.kubelet.end_pod(pod)
        self.kubelet.process.kill()
        self.kernel.run(0)

    def _client(self) -> None:
        """Write a row through the Service mysql-primary, which selects by label."""
        self.kernel.after(self.kernel.between(0.1, 0.5), self._client)
        endpoints = [pod for pod in self.pods.values() if self.api.labels(pod.name).get("role") == "primary"]
        pod = self.kernel.random.choice(endpoints) if endpoints else None
        server = pod.server if pod else None
        if server and server.writable and server.seat and APPLICATION in server.volume.users:
            self._rows += 1
            if server.seat.group.commit(server.seat, self._rows):
                self.checks.acknowledged.add(self._rows)
