import pytest

from servicekit.trace_context import headers_to_pass_on, trace_id_of, valid_traceparent, valid_tracestate

TRACE_ID, PARENT_ID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE_ID}-{PARENT_ID}-01"


def test_a_valid_traceparent_is_kept() -> None:
    assert valid_traceparent(TRACEPARENT) == TRACEPARENT
    assert trace_id_of(TRACEPARENT) == TRACE_ID


@pytest.mark.parametrize("rest", ["", "-", "-what-the-future-may-bring"])
def test_a_later_version_is_taken_as_version_00(rest: str) -> None:
    assert valid_traceparent(f"cc-{TRACE_ID}-{PARENT_ID}-01{rest}") == TRACEPARENT


@pytest.mark.parametrize(
    "forged",
    [
        "",
        "00",
        TRACEPARENT.upper(),
        f" {TRACEPARENT}",
        f"{TRACEPARENT}\n",
        f"{TRACEPARENT}-00",
        f"{TRACEPARENT}, {TRACEPARENT}",
        f"ff-{TRACE_ID}-{PARENT_ID}-01",
        f"00-{'0' * 32}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{'0' * 16}-01",
        f"00-{TRACE_ID[:-1]}-{PARENT_ID}-01",
        f"00-{TRACE_ID}-{PARENT_ID}-1",
        f"cc-{TRACE_ID}-{PARENT_ID}-01.",
        f"00-{TRACE_ID[:-1]}\u0661-{PARENT_ID}-01",
        "0" * 8192,
    ],
)
def test_a_forged_traceparent_is_dropped(forged: str) -> None:
    assert valid_traceparent(forged) is None
    assert trace_id_of(forged) is None
    assert headers_to_pass_on(forged, "vendor=1") == {}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ("tenant@system=1", "tenant@system=1"),
        ("a=1 , \t b=2,,", "a=1,b=2"),
        (",".join(f"k{n}=v" for n in range(32)), ",".join(f"k{n}=v" for n in range(32))),
        ("a=" + "v" * 256, "a=" + "v" * 256),
    ],
)
def test_a_valid_tracestate_is_kept(given: str, kept: str) -> None:
    assert valid_tracestate(given) == kept


@pytest.mark.parametrize(
    "forged",
    [
        "",
        ",",
        "novalue",
        "a=",
        "A=1",
        "a=1=2",
        "a=1,a=2",
        "a=\u0131",
        "a=1\x00",
        "a=1\r\nX-Forged: 1",
        "a=" + "v" * 257,
        ",".join(f"k{n}=v" for n in range(33)),
        ",".join(f"k{n}={'v' * 100}" for n in range(6)),
    ],
)
def test_a_forged_tracestate_is_dropped_without_the_traceparent(forged: str) -> None:
    assert valid_tracestate(forged) is None
    assert headers_to_pass_on(TRACEPARENT, forged) == {"traceparent": TRACEPARENT}
