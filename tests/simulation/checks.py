"""The invariants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulation.network import API_SERVER, Traffic

if TYPE_CHECKING:
    from tests.simulation.group import Group
    from tests.simulation.kubelet import Pod
    from tests.simulation.mysqld import Mysqld
    from tests.simulation.seat import Seat
    from tests.simulation.world import World

SAMPLE_SECONDS = 0.5
# Of two labelled members, one has no majority and does not know it: 5 s until it suspects the others, 1 s until it
# gives up, and what it takes an expelled member to learn of it.
TWO_WRITABLE_SECONDS = 10
LABEL_SECONDS = 20  # until the Service selects the primary, and it alone; the agents compare every 15 s


class Violation(BaseException):
    """An invariant does not hold; not an Exception, so that no handler of the agent's catches it."""


class Checks:
    """Looks at the model from outside: it knows what no agent can know."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.acknowledged: set[int] = set()
        self.starts = 0
        self.volumes_lost = 0
        self.lease_lost = self.errant = self.scaled_in = False
        self.operator_decided = False
        self._two_since: float | None = None
        self._wrong_since: dict[Seat, float] = {}
        self._refuses_since: dict[Pod, float] = {}

    @property
    def needs_operator(self) -> bool:
        """Whether something happened after which the agents may have to wait for a person.

        A group that ended before its first transaction looks to the agents like one that lost all volumes.
        """
        never_wrote = not any(pod.volume.data for pod in self.world.pods.values())
        return bool(self.volumes_lost) or self.errant or self.scaled_in or never_wrote

    def enters(self, server: Mysqld) -> None:
        """A member enters a group: beside an engine that was left behind, Group Replication may hang (ADR 92)."""
        if server.left_without_majority:
            raise Violation(f"{server.pod} enters a group in a process that has left one without its majority")

    def started(self, server: Mysqld, group: Group) -> None:
        """A group is started: it must have all rows that were acknowledged, unless an operator gave them up."""
        pod = server.pod
        living = [other for other in self.world.groups if other.lives]
        self.world.groups.append(group)
        self.starts += 1
        if server.ended_group:
            raise Violation(f"{pod} has ended the group in which it was alone, and starts it again")
        if living and not self.operator_decided:
            members = ", ".join(seat.server.pod for seat in living[0].seats)
            raise Violation(f"{pod} starts a group while one lives: {members}")
        missing = self.acknowledged - server.volume.rows()
        nowhere = self.lease_lost and not any(other.volume.rows() for other in self.world.pods.values())
        if missing and not self.operator_decided and not nowhere:
            raise Violation(
                f"{pod} starts a group without {len(missing)} of {len(self.acknowledged)} acknowledged rows"
            )
        self.acknowledged -= missing
        self.operator_decided = False

    def sample(self) -> None:
        """Check what must hold at any time."""
        self.world.kernel.after(SAMPLE_SECONDS, self.sample)
        self.world.groups = [group for group in self.world.groups if any(_attached(seat) for seat in group.seats)]
        labelled = [
            pod for name, pod in self.world.pods.items() if self.world.api.labels(name).get("role") == "primary"
        ]
        self._check_writers(labelled)
        self._check_refusing(labelled)
        # Of two that live, which only a forced reboot makes, the later one counts.
        primaries = [group.view.primary for group in self.world.groups if group.lives][-1:]
        self._wrong_since = {seat: at for seat, at in self._wrong_since.items() if seat in primaries}
        for primary in primaries:
            if primary and _has_majority(primary):
                self._check_labels(primary, labelled)

    def _check_writers(self, labelled: list[Pod]) -> None:
        writable = [pod for pod in labelled if pod.server and pod.server.writable]
        if len(writable) < 2:
            self._two_since = None
            return
        names = ", ".join(pod.name for pod in writable)
        if sum(map(_could_acknowledge, writable)) > 1:
            raise Violation(f"{names} have the primary's label, and acknowledge writes")
        self._two_since = self._two_since or self.world.kernel.now
        if self.world.kernel.now - self._two_since > TWO_WRITABLE_SECONDS:
            raise Violation(f"{names} have the primary's label and super_read_only off for {TWO_WRITABLE_SECONDS} s")

    def _check_refusing(self, labelled: list[Pod]) -> None:
        now = self.world.kernel.now
        refusing = [pod for pod in labelled if self._agent_runs(pod) and not (pod.server and pod.server.writable)]
        self._refuses_since = {pod: self._refuses_since.get(pod, now) for pod in refusing}
        for pod, since in self._refuses_since.items():
            if now - since > LABEL_SECONDS:
                raise Violation(f"{pod.name} has the primary's label for {LABEL_SECONDS} s, and takes no writes")

    def _check_labels(self, primary: Seat, labelled: list[Pod]) -> None:
        now = self.world.kernel.now
        pod = self.world.pods[primary.server.pod]
        others = [other for other in labelled if other is not pod and not self._keeps_label(primary, other)]
        if (pod in labelled and not others) or not self._agent_can_work(pod):
            self._wrong_since.pop(primary, None)
        elif now - self._wrong_since.setdefault(primary, now) > LABEL_SECONDS:
            names = ", ".join(other.name for other in labelled) or "none"
            raise Violation(f"{pod.name} is the primary for {LABEL_SECONDS} s, and the primary's label has: {names}")

    def _keeps_label(self, primary: Seat, pod: Pod) -> bool:
        """Whether a former primary may have the label still: in the view, and its agent cannot change it (ADR 52)."""
        in_view = any(seat.server is pod.server for seat in primary.view.seats)
        return in_view and not self._agent_can_work(pod)

    def _agent_can_work(self, pod: Pod) -> bool:
        server, now = pod.server, self.world.kernel.now
        return self._agent_runs(pod) and server is not None and server.answers and now > server.slow_until

    def _agent_runs(self, pod: Pod) -> bool:
        world = self.world
        return bool(
            pod.agent
            and pod.agent.running
            and not world.api.lost_answers
            and world.api.find("lease", "mysql")
            and world.network.connects(Traffic.API, pod.name, API_SERVER)
        )

    def unfinished(self) -> str:
        """What is not as it must be once all is well, or nothing. Raises Violation for lost or differing data."""
        pods = [self.world.pods[name] for name in self.world.names]
        for pod in pods:
            problem = self._problem(pod)
            if problem:
                return f"{pod.name} {problem}"
        groups = {pod.server.seat.group for pod in pods if pod.server and pod.server.seat}
        if len(groups) != 1:
            return f"{len(groups)} groups"
        for pod in pods:
            missing = self.acknowledged - pod.volume.rows()
            if missing:
                raise Violation(
                    f"{pod.name} is ONLINE without {len(missing)} of {len(self.acknowledged)} acknowledged rows"
                )
            if pod.volume.replicated() != pods[0].volume.replicated():
                raise Violation(f"{pod.name} and {pods[0].name} are ONLINE with different data")
        return ""

    def _problem(self, pod: Pod) -> str:
        seat = pod.server.seat if pod.server and pod.server.answers else None
        if not seat or not seat.online or not seat.active or seat.hung or seat not in seat.group.seats:
            return "is not ONLINE"
        seat.flush()
        is_primary = seat.group.view.primary is seat
        labels = self.world.api.labels(pod.name)
        if labels.get("role") != ("primary" if is_primary else "replica"):
            return f"has role={labels.get('role')}"
        if not is_primary and labels.get("reads") != "true":
            return "does not get reads"
        if seat.server.globals["offline_mode"] or (is_primary and not seat.server.writable):
            return "refuses clients"
        return ""


def _attached(seat: Seat) -> bool:
    return seat.active and seat.server.process.alive


def _could_acknowledge(pod: Pod) -> bool:
    seat = pod.server.seat if pod.server else None
    return seat is not None and seat.group.view.primary is seat and _has_majority(seat)


def _has_majority(seat: Seat) -> bool:
    seats = seat.group.seats
    return seat.running and seat in seats and 2 * len(seat.group.reach(seat)) > len(seats)
