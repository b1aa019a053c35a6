"""One run: a seed decides the number of members, the faults and their times, and the order of everything else."""

from __future__ import annotations

import hashlib
import tempfile
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.simulation import boundary
from tests.simulation.checks import Violation
from tests.simulation.faults import FAULTS
from tests.simulation.futures import UnreadError
from tests.simulation.human_operator import Operator
from tests.simulation.known_statements import UnknownStatement
from tests.simulation.world import World

MEMBERS = (1, 2, *[3] * 13, 4, 5, 5, 7, 9)
FIRST_FAULTS_SECONDS = 10  # some runs begin with faults, the others with a group that serves
CONVERGE_SECONDS = 300
STABLE_SECONDS = 2
MEMORY = Path("/dev/shm")  # noqa: S108 -- a folder of its own in it; fsync costs nothing there
Play = Callable[[World], None]


@dataclass(frozen=True)
class Result:
    """What a run came to; `log` is a digest of its log."""

    seed: int
    violation: str
    seconds: float
    rows: int
    log: str


def run(seed: int, write: Callable[[str], object] = lambda _: None, play: Play | None = None) -> Result:
    """Run one seed. The same seed gives the same run, line by line. `play` is a scenario in place of random faults."""
    digest = hashlib.sha256()

    def log(line: str) -> None:
        digest.update(line.encode())
        write(line)

    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        world = World(seed, Path(folder), 0, log)
        boundary.enter(world)
        try:
            (play or _play)(world)
            violation = ""
        except (Violation, UnreadError, boundary.AgentFailed) as error:
            violation = f"{type(error).__name__}: {error}{_cause(error)}"
            log(f"{world.kernel.now:8.2f} {violation}")
        except UnknownStatement as error:  # an Exception again, which a pool of processes returns
            raise RuntimeError(f"seed {seed}: known_statements.py does not have: {error}") from None
        world.end()
        return Result(seed, violation, world.kernel.now, len(world.checks.acknowledged), digest.hexdigest())


def _play(world: World) -> None:
    kernel, random = world.kernel, world.plan
    world.wanted = random.choice(MEMBERS)
    faults = random.sample(FAULTS, random.randint(1, 6))
    world.log("run", f"{world.wanted} members; faults: {', '.join(fault.__name__ for fault in faults)}")
    world.begin()
    if random.random() < 0.8:
        converge(world)
    else:
        kernel.run(FIRST_FAULTS_SECONDS)
    pause = random.choice((1, 3, 6, 12))
    for _ in range(random.randint(1, 8)):
        random.choice(faults)(world)
        kernel.run(random.expovariate(1 / pause))
    kernel.run(random.uniform(0, 6))
    world.heal()
    converge(world)


def converge(world: World) -> None:
    """Run until all is well for some seconds."""
    operator, stable = Operator(world), 0
    deadline = world.kernel.now + CONVERGE_SECONDS
    while stable < STABLE_SECONDS:
        world.kernel.run(1)
        operator.look()
        unfinished = world.checks.unfinished()
        stable = 0 if unfinished else stable + 1
        if world.kernel.now > deadline:
            waits = "; ".join(f"{name}: {world.doing(name)}" for name in world.names)
            raise Violation(f"after {CONVERGE_SECONDS} s without faults, {unfinished} ({waits})")


def _cause(error: BaseException) -> str:
    """Where the agent's exception was raised, in one line."""
    if error.__cause__ is None:
        return ""
    where = traceback.extract_tb(error.__cause__.__traceback__)[-1]
    return f" ({error.__cause__!r} in {where.name}, {Path(where.filename).name}:{where.lineno})"
