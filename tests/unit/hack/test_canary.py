"""hack/canary: the order of its steps, so that no request meets a pod that is not there."""

import pytest

from tests.unit.hack.support import Checkout

KUBECTL = """case "$*" in
  "get nodes"*) echo "one-node {}" ;;
  "config current-context") echo somewhere ;;
  *"get virtualservice efishery"*) echo "auth auth fetch fetch docs docs" ;;
  *"get deployment fetch-canary"*) [ ! -f canary ] || cat canary ;;
  *"get pods"*) if [ -s asked ]; then cat pods-later; else cat pods; fi ;;
  *"rollout status"*) [ ! -f not-ready ] && { [ ! -f not-ready-later ] || mv not-ready-later not-ready; } ;;
  *" exec canary-1 "*) echo x >>asked; if [ "$(wc -l <asked)" = 1 ]; then cat metrics-before; else cat metrics; fi ;;
  *" exec canary-2 "*) ;;
esac"""
METRICS = """http_server_request_duration_seconds_count{http_response_status_code="200",http_route="/x"} %d.0
http_server_request_duration_seconds_count{http_response_status_code="503",http_route="/x"} %d.0
"""


def stand_in_for_helm(checkout: Checkout, deployed: str = "efishery-0.2.0") -> None:
    checkout.stand_in(
        "bin/helm", f"""case "$1" in list) echo "- chart: {deployed}" ;; show) echo "version: 0.2.0" ;; esac"""
    )


@pytest.fixture
def scripts(checkout: Checkout) -> Checkout:
    checkout.copy("hack/canary", "hack/lib.sh", "hack/one-node/settings")
    stand_in_for_helm(checkout)
    for program in ("bin/sleep", "hack/images", "hack/one-node/load", "charts/efishery/Chart.yaml"):
        checkout.stand_in(program)
    for source in ("pyproject.toml", "uv.lock", "libs/kit.py", "services/fetch/app.py"):
        checkout.stand_in(source)
    checkout.stand_in("bin/kubectl", KUBECTL)
    for file in ("asked", "metrics-before"):
        (checkout.root / file).touch()
    for file in ("pods", "pods-later"):
        (checkout.root / file).write_text("canary-1 0\ncanary-2 0\n")
    return checkout


def canary(scripts: Checkout, arguments: str, **environment: str) -> tuple[int, str]:
    scripts.stand_in("hack/run-canary", f"exec {scripts.root}/hack/canary {arguments}")
    return scripts.run("hack/run-canary", **environment)


def steps(scripts: Checkout) -> list[str]:
    """Return what changed the cluster: the values of each upgrade, and what was deleted."""
    upgrades = [call for call in scripts.calls if call.startswith("helm upgrade") or " delete " in call]
    return [" ".join(word for word in call.split() if "=" in word or word == "delete") for call in upgrades]


def test_a_canary_gets_requests_only_when_its_pods_are_ready(scripts: Checkout) -> None:
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next")
    assert code == 0, printed
    enabled, weighted = steps(scripts)
    assert enabled == "fetch.canary.enabled=true fetch.canary.image.tag=next fetch.canary.image.digest="
    assert weighted == "fetch.canary.weight=10"
    assert all("--wait" in call for call in scripts.calls if call.startswith("helm upgrade"))


def test_only_a_promotion_runs_the_charts_jobs(scripts: Checkout) -> None:
    (scripts.root / "canary").write_text("docker.io/efishery/fetch:next")
    canary(scripts, "promote fetch")
    canary(scripts, "set fetch 10", IMAGE_TAG="another")
    hooks = ["--no-hooks" not in call for call in scripts.calls if call.startswith("helm upgrade")]
    assert hooks == [True, False, False, False]


def test_another_chart_than_that_of_the_release_is_refused(scripts: Checkout) -> None:
    stand_in_for_helm(scripts, "efishery-0.1.0")
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next")
    assert code == 1
    assert "the release has the chart efishery-0.1.0 and CHART is efishery-0.2.0: upgrade the release first" in printed
    assert not steps(scripts)


@pytest.mark.parametrize("image", ["", "docker.io/efishery/fetch:next"], ids=["first attempt", "repeated"])
def test_a_canary_that_is_not_ready_gets_no_requests(scripts: Checkout, image: str) -> None:
    helm = (scripts.root / "bin/helm").read_text()
    (scripts.root / "bin/helm").write_text(f'{helm}[ "$1" != upgrade ]')
    (scripts.root / "canary").write_text(image)
    (scripts.root / "not-ready").touch()
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next")
    assert code == 1
    assert ("make canary-abort SERVICE=fetch" if image else "did not get ready within 5 minutes") in printed
    assert image or [call for call in scripts.calls if "--cleanup-on-fail" in call]
    assert "weight" not in " ".join(steps(scripts))


def test_another_weight_replaces_no_pod(scripts: Checkout) -> None:
    (scripts.root / "canary").write_text("docker.io/efishery/fetch:next")
    canary(scripts, "set fetch 50", IMAGE_TAG="next")
    assert steps(scripts) == ["fetch.canary.weight=50"]


def test_without_a_tag_the_working_trees_image_gets_one_of_its_own(scripts: Checkout) -> None:
    canary(scripts, "set fetch 10")
    (loaded,) = [call for call in scripts.calls if call.startswith("load ")]
    assert loaded.startswith("load docker.io/efishery/fetch:canary-")
    assert "images fetch" in scripts.calls
    assert f"fetch.canary.image.tag={loaded.rpartition(':')[2]}" in steps(scripts)[0]


@pytest.mark.parametrize(
    ("image", "value"),
    [
        ("docker.io/efishery/fetch:next", "fetch.image.tag=next fetch.image.digest="),
        ("localhost:5000/efishery/fetch@sha256:12", "fetch.image.tag= fetch.image.digest=sha256:12"),
    ],
)
def test_a_promotion_removes_the_canary_last(scripts: Checkout, image: str, value: str) -> None:
    (scripts.root / "canary").write_text(image)
    code, printed = canary(scripts, "promote fetch")
    assert code == 0, printed
    promoted, unrouted, removed = steps(scripts)
    assert (promoted, unrouted.split()[0]) == (value, "delete")
    assert removed.startswith("fetch.canary.enabled=false fetch.canary.weight=0")


def test_an_abort_takes_the_requests_away_before_the_pods(scripts: Checkout) -> None:
    (scripts.root / "canary").write_text("docker.io/efishery/fetch:next")
    assert canary(scripts, "abort fetch")[0] == 0
    unrouted, removed = steps(scripts)
    assert unrouted.startswith("delete")
    assert removed.startswith("fetch.canary.enabled=false")
    order = [call.split()[0] for call in scripts.calls]
    assert "sleep" in order[order.index("kubectl") :], "until each proxy knows"


@pytest.mark.parametrize(("good", "bad", "aborted"), [(100, 2, True), (200, 1, False), (5, 5, False)])
def test_a_watched_canary_is_aborted_when_it_answers_errors(
    scripts: Checkout, good: int, bad: int, aborted: bool
) -> None:
    (scripts.root / "metrics").write_text(METRICS % (good, bad))
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next", WATCH="1")
    assert (code == 1) is aborted, printed
    assert ("fetch.canary.enabled=false" in steps(scripts)[-1]) is aborted
    if aborted:
        assert f"answered {bad} of {good + bad} requests with 5xx" in printed


def test_a_watched_canary_is_aborted_when_a_pod_is_not_ready(scripts: Checkout) -> None:
    (scripts.root / "not-ready-later").touch()
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next", WATCH="1")
    assert code == 1
    assert "a pod of the canary is not ready" in printed


def test_a_watched_canary_is_aborted_when_a_pod_cannot_be_asked(scripts: Checkout) -> None:
    """`metrics` is missing: the first of the two pods fails, and the second does not."""
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next", WATCH="1")
    assert code == 1, printed
    assert "a pod of the canary does not answer" in printed
    assert "fetch.canary.enabled=false" in steps(scripts)[-1]


@pytest.mark.parametrize("later", ["canary-1 1", "canary-3 0"], ids=["restarted", "replaced"])
def test_a_watched_canary_is_aborted_when_a_pod_is_restarted_or_replaced(scripts: Checkout, later: str) -> None:
    (scripts.root / "metrics").write_text(METRICS % (100, 0))
    (scripts.root / "pods-later").write_text(f"{later}\ncanary-2 0\n")
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next", WATCH="1")
    assert code == 1, printed
    assert "a pod of the canary has been restarted or replaced" in printed


def test_a_watched_canary_is_aborted_when_it_counts_from_0_again(scripts: Checkout) -> None:
    """Its restart is not yet in the status of the pod."""
    (scripts.root / "metrics-before").write_text(METRICS % (100, 0))
    (scripts.root / "metrics").write_text(METRICS % (10, 0))
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next", WATCH="1")
    assert code == 1, printed
    assert "a pod of the canary has been restarted or replaced" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("set fetch 110", "WEIGHT is '110': give a whole number from 0 to 100"),
        ("set fetch ten", "WEIGHT is 'ten'"),
        ("set redis 10", "SERVICE is 'redis': auth, fetch and docs can have a canary"),
        ("show fetch", "there is no 'show': set, promote and abort"),
        ("promote fetch", "fetch has no canary: make canary SERVICE=fetch WEIGHT=10"),
        ("abort fetch", "fetch has no canary"),
    ],
)
def test_what_is_wrong_is_named_with_the_remedy(scripts: Checkout, arguments: str, message: str) -> None:
    code, printed = canary(scripts, arguments)
    assert code == 1
    assert message in printed
    assert not steps(scripts)


def test_a_gateway_that_knows_no_canaries_is_named(scripts: Checkout) -> None:
    scripts.stand_in("bin/kubectl", KUBECTL.replace("auth auth fetch fetch docs docs", ""))
    code, printed = canary(scripts, "set fetch 10", IMAGE_TAG="next")
    assert code == 1
    assert "kubectl apply -k k8s/istio" in printed
    assert not steps(scripts)
