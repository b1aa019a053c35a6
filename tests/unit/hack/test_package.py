"""hack/package: what it packages, lists and pushes."""

import pytest

from tests.unit.hack.support import Checkout

HELM = """case $1 in package) touch "$4/${2##*/}-0.1.0.tgz" ;; esac"""
UV = """while [ $# -gt 1 ]; do shift; done; touch "$1" """


@pytest.fixture
def package(checkout: Checkout) -> Checkout:
    """A checkout with two services; `library` is a folder without an image."""
    checkout.copy("hack/package", "hack/lib.sh", "hack/one-node/settings")
    for path in ("services/auth/Dockerfile", "services/mysql-agent/Dockerfile", "services/library/README.md"):
        checkout.stand_in(path)
    checkout.stand_in("bin/helm", HELM)
    checkout.stand_in("bin/uv", UV)
    return checkout


def test_both_charts_are_packaged_with_their_dependencies_and_not_pushed(package: Checkout) -> None:
    code, printed = package.run("hack/package")
    assert code == 0, printed
    assert [call for call in package.calls if call.startswith("helm")] == [
        "helm dependency build charts/efishery",
        "helm package charts/mysql --destination dist",
        "helm package charts/efishery --destination dist",
    ]
    files = sorted(path.name for path in (package.root / "dist").iterdir())
    assert files == ["auth.cdx.json", "efishery-0.1.0.tgz", "mysql-0.1.0.tgz", "mysql-agent.cdx.json"]
    assert all(name in printed for name in files)


def test_packages_of_an_earlier_run_are_not_pushed(package: Checkout) -> None:
    package.stand_in("dist/old-0.0.1.tgz")
    package.run("hack/package", REGISTRY="registry.example")
    pushed = [call for call in package.calls if call.startswith("helm push")]
    assert pushed == [
        f"helm push dist/{chart}-0.1.0.tgz oci://registry.example/efishery/charts" for chart in ("efishery", "mysql")
    ]


def test_a_registry_on_this_machine_has_no_tls(package: Checkout) -> None:
    package.run("hack/package", REGISTRY="localhost:5000")
    assert "helm push dist/mysql-0.1.0.tgz oci://localhost:5000/efishery/charts --plain-http" in package.calls


def test_the_list_of_an_image_has_what_the_lock_pins_for_it(package: Checkout) -> None:
    package.run("hack/package")
    (listed,) = [call for call in package.calls if "dist/mysql-agent.cdx.json" in call]
    for option in ("export --locked", "--no-dev", "--package efishery-mysql-agent", "--format cyclonedx1.5"):
        assert option in listed


def test_a_failed_push_is_a_failure(package: Checkout) -> None:
    package.stand_in("bin/helm", f'{HELM}\n[ "$1" != push ]')
    assert package.run("hack/package", REGISTRY="registry.example")[0] != 0
