"""The statements of Group Replication and of the clone plugin that take time; each runs in a thread of its mysqld."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql
from pymysql.constants import CR

from tests.simulation.group import Group
from tests.simulation.network import Traffic

if TYPE_CHECKING:
    from tests.simulation.mysqld import Mysqld
    from tests.simulation.seat import Seat
    from tests.simulation.world import World

NOT_CONFIGURED = 3092  # ER_GROUP_REPLICATION_CONFIGURATION
DONOR_ERROR = 3862
RECOVERY_ATTEMPTS = 10
HUNG_STOP_SECONDS = 30  # then mysqld gives up waiting for the group communication engine
SIGN_OF_LIFE_SECONDS = 10  # by which an attempt to join delays the expulsion of the former process


def start(world: World, server: Mysqld) -> None:
    """START GROUP_REPLICATION."""
    world.checks.enters(server)
    kernel, name = world.kernel, str(server.globals["group_replication_group_name"])
    kernel.sleep(kernel.between(0.5, 2))
    if server.globals["group_replication_bootstrap_group"]:
        group = Group(world, server, name)
        world.checks.started(server, group)
        return
    contact = _contact(world, server, name)
    if contact is None:
        kernel.sleep(kernel.between(2, 10))
        raise pymysql.OperationalError(NOT_CONFIGURED, "no seed answers, or none is in this group")
    group = contact.group
    former = [seat for seat in group.seats if seat.server.pod == server.pod]
    if former:
        for seat in group.seats:
            seat.heard(former[0], kernel.now + SIGN_OF_LIFE_SECONDS)
        kernel.sleep(SIGN_OF_LIFE_SECONDS)
        raise pymysql.OperationalError(NOT_CONFIGURED, "the group has not expelled the former process yet")
    contact.flush()
    if server.volume.has_beyond([seat.server.volume for seat in group.seats]):
        raise pymysql.OperationalError(NOT_CONFIGURED, "the member has transactions that the group does not have")
    seat = group.add(server)
    server.process.spawn(_recover, world, seat)


def _contact(world: World, server: Mysqld, name: str) -> Seat | None:
    """A seed that can let the member in."""
    for address in str(server.globals["group_replication_group_seeds"]).split(","):
        seat = seat_at(world, address)
        if seat and seat.group.name == name and world.network.connects(Traffic.GROUP, server.pod, seat.server.pod):
            leader = seat.group.leader()
            if leader and seat in seat.group.reach(leader):
                return leader
    return None


def seat_at(world: World, address: str) -> Seat | None:
    """The running seat of the member at an address."""
    pod = world.pods.get(address.partition(".")[0])
    seat = pod.server.seat if pod and pod.server else None
    return seat if seat and seat.running and seat in seat.group.seats else None


def _recover(world: World, seat: Seat) -> None:
    """Distributed recovery: take what is missing from a donor, then be ONLINE."""
    kernel, group = world.kernel, seat.group
    for _ in range(RECOVERY_ATTEMPTS):
        kernel.sleep(kernel.between(0.5, 5) * world.recovery_factor)
        if not seat.active or seat not in group.seats:
            return
        leader = group.leader()
        donors = [other for other in group.seats if other.online and seat.hears(other)]
        if leader and donors and kernel.random.random() >= world.recovery_failures:
            donor = kernel.random.choice(donors)
            donor.flush()
            seat.server.volume.absorb(donor.server.volume)
            seat.received = seat.stored = donor.stored
            seat.online = True
            return
        if kernel.random.random() < world.recovery_failures:
            break
    if seat in group.seats:
        stop_locally(world, seat)
        seat.fail()


def stop(world: World, server: Mysqld) -> None:
    """STOP GROUP_REPLICATION."""
    seat, kernel = server.seat, world.kernel
    if seat and seat.hung:
        kernel.sleep(HUNG_STOP_SECONDS)
        server.left_without_majority = True
        seat.active = False
    elif seat and seat.active:
        leader = seat.group.leader()
        leaves = leader is not None and seat in seat.group.reach(leader)
        kernel.sleep(kernel.between(0.3, 1.5) if leaves else kernel.between(1, 5))
        stop_locally(world, seat)
        server.left_without_majority |= not leaves
        server.ended_group = leaves and not seat.group.seats
    server.globals["super_read_only"] = 1
    server.seat = None


def restart(world: World, server: Mysqld) -> None:
    """RESTART."""
    world.kernel.sleep(world.kernel.between(1, 4))
    world.kubelet.mysqld_exited(server)


def stop_locally(world: World, seat: Seat) -> None:
    """End a seat; the others agree to it if a majority still hears of it, else they expel it later."""
    group = seat.group
    leader = group.leader()
    if leader and seat in group.reach(leader):
        seat.flush()
        group.remove([seat])
    seat.active = False


def clone(world: World, server: Mysqld, address: str) -> None:
    """CLONE INSTANCE: the data go first, then the donor's come, then mysqld restarts."""
    kernel = world.kernel
    kernel.sleep(kernel.between(0.1, 1))
    donor = world.pods[address.partition(".")[0]].server
    if not donor or not _reaches(world, server, donor):
        raise pymysql.OperationalError(DONOR_ERROR, "Clone Donor Error: connect failed")
    server.volume.clear()
    for _ in range(world.clone_steps):
        kernel.sleep(kernel.between(0.3, 1.5))
        if not _reaches(world, server, donor):
            raise pymysql.OperationalError(DONOR_ERROR, "Clone Donor Error: connection lost")
    if donor.seat and donor.seat.active:
        donor.seat.flush()
    server.volume.replace(donor.volume)
    world.kubelet.mysqld_exited(server)
    raise pymysql.OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")


def _reaches(world: World, server: Mysqld, donor: Mysqld) -> bool:
    return donor.answers and world.network.connects(Traffic.GROUP, server.pod, donor.pod)


def set_as_primary(world: World, server: Mysqld, uuid: str) -> None:
    """SELECT group_replication_set_as_primary(…)."""
    kernel, seat = world.kernel, server.seat
    kernel.sleep(kernel.between(0.3, 2))
    group = seat.group if seat and seat.active else None
    leader = group.leader() if group else None
    chosen = next((other for other in group.seats if other.server.volume.uuid == uuid), None) if group else None
    if not group or not leader or seat not in group.reach(leader) or not chosen or not chosen.online:
        raise pymysql.OperationalError(3910, "The function 'group_replication_set_as_primary' failed")
    group.appoint(chosen)
