"""What the StatefulSet's controller and the kubelet do with the pods."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import boundary, statements
from tests.simulation.kernel import Process
from tests.simulation.mysqld import Mysqld, Volume

if TYPE_CHECKING:
    from tests.simulation.world import World

LEAVE_SECONDS = 20  # of the preStop hook


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
    outages: int = 0
    keeps_volume: bool = True
    deleting: bool = False


class Kubelet:
    """Starts, restarts and ends pods and their processes."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = Process(world.kernel, "kubelet")

    def _soon(self, low: float, high: float, call: Callable[[], object]) -> None:
        self.world.kernel.after(self.world.kernel.between(low, high), call)

    def create_pod(self, name: str) -> None:
        """Create a pod, with a new volume if it has none."""
        pod = self.world.pods.get(name)
        if pod is None:
            pod = self.world.pods[name] = Pod(name, self.world.folder / name, self.world.new_volume(name))
            pod.run_dir.mkdir()
        pod.deleting = False
        labels = {"app.kubernetes.io/name": "mysql", "apps.kubernetes.io/pod-index": name.rpartition("-")[2]}
        self.world.api.create("pod", name, self.world.now, labels, status={"phase": "Running"})
        self.world.log(name, "pod created")
        self._soon(0.2, 1, lambda: self.start_agent(pod))
        self._soon(0.5, 2, lambda: self.start_mysqld(pod))

    def start_agent(self, pod: Pod) -> None:
        """Start the agent's container if it does not run."""
        if self.world.api.labels(pod.name) and pod.up and not (pod.agent and pod.agent.alive):
            pod.agent = Process(self.world.kernel, pod.name)
            pod.port = None
            pod.agent.spawn(boundary.run_agent, self.world, pod)

    def start_mysqld(self, pod: Pod) -> None:
        """Start mysqld's container if it does not run."""
        if self.world.api.labels(pod.name) and pod.up and not (pod.server and pod.server.process.alive):
            for file in ("leave", "left"):
                (pod.run_dir / file).unlink(missing_ok=True)
            pod.server = Mysqld(
                self.world.kernel, pod.name, pod.volume, self.world.kernel.now + self.world.kernel.between(0.5, 4)
            )

    def mysqld_exited(self, server: Mysqld) -> None:
        """End a mysqld; the kubelet starts it again."""
        server.process.kill()
        self.world.log(server.pod, "mysqld ended")
        self._soon(0.5, 4, lambda: self.start_mysqld(self.world.pods[server.pod]))

    def kill_mysqld(self, pod: Pod) -> None:
        """As by SIGKILL."""
        if pod.server and pod.server.process.alive:
            self.mysqld_exited(pod.server)

    def kill_agent(self, pod: Pod) -> None:
        """As by SIGKILL."""
        if pod.agent and pod.agent.alive:
            pod.agent.kill()
            self.world.log(pod.name, "agent ended")
            self._soon(0.5, 4, lambda: self.start_agent(pod))

    def delete_pod(self, pod: Pod, *, graceful: bool) -> None:
        """Delete a pod; the StatefulSet creates it again unless it is one too many."""
        if not pod.deleting and pod.up and self.world.api.labels(pod.name):
            pod.deleting = True
            self.process.spawn(self._delete, pod, graceful)

    def _delete(self, pod: Pod, graceful: bool) -> None:
        self.world.log(pod.name, f"pod is deleted{'' if graceful else ' by force'}")
        server = pod.server
        if graceful and server and server.process.alive:
            (pod.run_dir / "leave").touch()
            deadline = self.world.kernel.now + LEAVE_SECONDS
            while self.world.kernel.now < deadline and not (pod.run_dir / "left").exists():
                self.world.kernel.sleep(0.5)
            if server.process.running:
                server.process.spawn(statements.stop, self.world, server)
                self.world.kernel.sleep(self.world.kernel.between(1, 5))
        self.end_pod(pod)
        self.world.api.delete("pod", pod.name)
        self.world.kernel.sleep(self.world.kernel.between(0.5, 5))
        pod.deleting = False
        if pod.name in self.world.names and pod.up and not self.world.api.labels(pod.name):
            self.create_pod(pod.name)

    def end_pod(self, pod: Pod) -> None:
        """End all processes of a pod."""
        for process in (pod.agent, pod.server.process if pod.server else None):
            if process:
                process.kill()

    def lose_node(self, pod: Pod, *, keeps: bool) -> None:
        """Lose a node; the pod stays in the API as it was."""
        pod.up, pod.keeps_volume = False, keeps
        pod.outages += 1
        self.end_pod(pod)
        self.world.log(pod.name, f"node lost, volume {'kept' if keeps else 'lost'}")

    def return_node(self, pod: Pod, outage: int) -> None:
        """Bring a node back, unless this outage has ended; the pod gets an empty volume if it lost its own."""
        if pod.up or pod.outages != outage:
            return
        self.world.api.delete("pod", pod.name)
        pod.up = True
        if not pod.keeps_volume:
            shutil.rmtree(pod.volume.folder)
            self.world.checks.volumes_lost += 1
            pod.volume = self.world.new_volume(pod.name)
        if pod.name in self.world.names:
            self.create_pod(pod.name)
