import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from threading import Event

import pytest

from efishery_auth.gate import Away, Gate, Queue
from tests.unit.auth.clock import Clock


def pass_through(gate: Gate) -> None:
    with gate.passing((OSError,)):
        pass


def fail(gate: Gate, clock: Clock, seconds: float, error: Exception) -> None:
    with pytest.raises(type(error)):
        _pass_and_raise(gate, clock, seconds, error)


def _pass_and_raise(gate: Gate, clock: Clock, seconds: float, error: Exception, *, insist: float = 0) -> None:
    with gate.passing((OSError,), insist=insist):
        clock.now += seconds
        raise error


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_nobody_waits_behind_what_is_stuck() -> None:
    clock = Clock()
    gate = Gate(2, 0.4, clock)
    with ExitStack() as stuck:
        for _ in range(2):
            stuck.enter_context(gate.passing((OSError,)))
        clock.now += 0.5
        with pytest.raises(Away) as away:
            pass_through(gate)
        assert away.value.headers == {"Retry-After": "2"}
    pass_through(gate)


def test_a_place_is_waited_for_while_others_move_on() -> None:
    gate, entered, leave = Gate(1, 30), Event(), Event()

    def stay() -> None:
        with gate.passing((OSError,)):
            entered.set()
            leave.wait(30)

    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(stay)
        entered.wait(30)
        second = threads.submit(pass_through, gate)
        wait_until(lambda: gate._waiting == 1)
        assert not second.done()
        leave.set()
        first.result(30)
        second.result(30)


def test_while_one_is_stuck_others_still_wait_for_those_who_move_on() -> None:
    clock = Clock()
    gate = Gate(2, 30, clock)
    with ExitStack() as stuck, ThreadPoolExecutor(1) as threads:
        stuck.enter_context(gate.passing((OSError,)))
        clock.now += 31
        with gate.passing((OSError,)):
            waiting = threads.submit(pass_through, gate)
        waiting.result(30)


class Server:
    """Lives for so many looks of half a second; that somebody looked is noted."""

    def __init__(self, clock: Clock, *, looks: int) -> None:
        self._clock = clock
        self._looks = looks
        self.asked = Event()

    def lives(self) -> bool:
        self._looks -= 1
        self._clock.now += 0.5
        self.asked.set()
        return self._looks >= 0


def pass_patiently(gate: Gate) -> None:
    with gate.passing((OSError,), patient=True):
        pass


def test_who_is_patient_waits_on_while_the_server_lives() -> None:
    clock = Clock()
    server = Server(clock, looks=10**6)
    gate = Gate(1, 0.01, clock, Queue(1, 10**7, 0, server.lives))
    with ThreadPoolExecutor(1) as threads:
        with gate.passing((OSError,)):
            waiting = threads.submit(pass_patiently, gate)
            assert server.asked.wait(30)
            with pytest.raises(Away):
                pass_patiently(gate)  # there is one place, and it is taken
            assert not waiting.done()
        waiting.result(30)
    assert gate._waiting == 0


def test_who_is_patient_is_refused_when_the_server_dies_and_so_is_everybody_for_a_moment() -> None:
    clock = Clock()
    server = Server(clock, looks=2)
    gate = Gate(1, 0.01, clock, Queue(1, 60, 0, server.lives))
    with gate.passing((OSError,)), pytest.raises(Away):
        pass_patiently(gate)
    with pytest.raises(Away):
        pass_through(gate)
    clock.now += 0.02
    pass_through(gate)


def test_for_a_moment_no_sign_of_life_is_no_proof_of_death() -> None:
    clock = Clock()
    server = Server(clock, looks=0)
    gate = Gate(1, 0.01, clock, Queue(1, 10**7, 10**6, server.lives))
    with ThreadPoolExecutor(1) as threads:
        with gate.passing((OSError,)):
            waiting = threads.submit(pass_patiently, gate)
            assert server.asked.wait(30)
        waiting.result(30)


def test_patience_ends() -> None:
    clock = Clock()
    gate = Gate(1, 0.01, clock, Queue(1, 8, 0, Server(clock, looks=10**6).lives))
    with gate.passing((OSError,)), pytest.raises(Away):
        pass_patiently(gate)
    pass_through(gate)  # it is not closed


def test_who_is_not_patient_does_not_ask_whether_the_server_lives() -> None:
    clock = Clock()
    server = Server(clock, looks=10**6)
    gate = Gate(1, 0.01, clock, Queue(1, 60, 0, server.lives))
    with gate.passing((OSError,)), pytest.raises(Away):
        pass_through(gate)
    assert not server.asked.is_set()


def test_what_is_given_is_the_time_of_entering() -> None:
    clock = Clock()
    with Gate(1, 0.4, clock).passing((OSError,)) as entered:
        assert entered == clock.now


@pytest.mark.parametrize(("took", "closed"), [(0.2, 0.2), (1.5, 0.4)])
def test_after_a_failure_it_is_closed_for_as_long_as_that_took_but_not_for_longer_than_a_wait(
    took: float, closed: float
) -> None:
    clock = Clock()
    gate = Gate(4, 0.4, clock)
    fail(gate, clock, took, OSError())
    clock.now += closed - 0.1
    with pytest.raises(Away):
        pass_through(gate)
    clock.now += 0.2
    pass_through(gate)


def test_a_failure_does_not_close_it_where_somebody_came_through_meanwhile() -> None:
    clock = Clock()
    gate = Gate(4, 0.4, clock)
    with suppress(OSError), gate.passing((OSError,)):
        clock.now += 1
        pass_through(gate)
        raise OSError
    pass_through(gate)


def test_who_insists_enters_while_it_is_closed_and_waits_for_a_place() -> None:
    clock = Clock()
    gate = Gate(1, 0.4, clock)
    fail(gate, clock, 1.5, OSError())
    with ThreadPoolExecutor(1) as threads:
        with gate.passing((OSError,), insist=0.01):
            clock.now += 0.5
            with pytest.raises(Away):
                pass_through(gate)
            with pytest.raises(Away):
                _pass_and_raise(gate, clock, 0, OSError(), insist=0.01)
            waiting = threads.submit(_pass_and_raise, gate, clock, 0, ValueError(), insist=30)
            wait_until(lambda: gate._waiting == 1)
        assert isinstance(waiting.exception(30), ValueError)


def test_all_who_wait_for_a_place_are_refused_once_it_is_closed() -> None:
    clock = Clock()
    gate, leave = Gate(2, 30, clock), Event()

    def stay() -> None:
        with gate.passing((OSError,)):
            leave.wait(30)

    with ThreadPoolExecutor(3) as threads:
        stuck = threads.submit(stay)
        wait_until(lambda: gate._inside == 1)
        failing = gate.passing((OSError,))
        failing.__enter__()
        waiting = [threads.submit(pass_through, gate) for _ in range(2)]
        wait_until(lambda: len(gate._changed._waiters) == 2)  # type: ignore[attr-defined]
        clock.now += 1
        with suppress(OSError):
            failing.__exit__(OSError, OSError(), None)
        assert all(isinstance(refused.exception(timeout=10), Away) for refused in waiting)
        leave.set()
        stuck.result(30)


def test_a_failure_that_is_told_at_once_closes_it_for_nothing() -> None:
    clock = Clock()
    gate = Gate(4, 0.4, clock)
    fail(gate, clock, 0, OSError())
    pass_through(gate)


def test_other_errors_do_not_close_it() -> None:
    clock = Clock()
    gate = Gate(4, 0.4, clock)
    fail(gate, clock, 5, ValueError())
    pass_through(gate)
