"""hack/images and hack/up: which images they build, push and load."""

import pytest

from tests.unit.hack.support import Checkout

SERVICES = ["auth", "mysql-agent", "new"]
KUBECTL = """case "$*" in
  "get nodes"*) echo "one-node {}" ;;
  "config current-context") echo somewhere ;;
  *"get secret"*) echo c2VjcmV0 ;;
esac"""


@pytest.fixture
def images(checkout: Checkout) -> Checkout:
    """A checkout with three services; `library` is a folder without an image."""
    checkout.copy("hack/images", "hack/up", "hack/lib.sh", "hack/one-node/settings")
    for service in SERVICES:
        checkout.stand_in(f"services/{service}/Dockerfile")
    checkout.stand_in("services/library/README.md")
    checkout.stand_in("bin/docker", 'case "$*" in *Size*) echo 1000000 ;; esac')
    return checkout


def names(checkout: Checkout, command: str) -> list[str]:
    """Return the last argument of each call of `command`."""
    return [call.split()[-1] for call in checkout.calls if call.startswith(command)]


def built(checkout: Checkout) -> list[str]:
    return [call.split(" -t ")[1].split()[0] for call in checkout.calls if call.startswith("docker build")]


def test_an_image_is_built_for_each_service_that_has_a_dockerfile(images: Checkout) -> None:
    code, printed = images.run("hack/images")
    assert code == 0, printed
    assert built(images) == [f"docker.io/efishery/{service}:dev" for service in SERVICES]


def test_skaffold_names_and_pushes_one_image(images: Checkout) -> None:
    images.stand_in("hack/with-image", "exec hack/images auth")
    code, printed = images.run("hack/with-image", IMAGE="localhost:5000/efishery/auth:1", PUSH_IMAGE="true")
    assert code == 0, printed
    assert built(images) == ["localhost:5000/efishery/auth:1"]
    assert names(images, "docker push") == ["localhost:5000/efishery/auth:1"]


def test_one_name_for_several_images_is_refused(images: Checkout) -> None:
    code, printed = images.run("hack/images", IMAGE="localhost:5000/efishery/auth:1")
    assert code == 1
    assert "IMAGE names one image" in printed
    assert built(images) == []


def test_up_loads_each_image_and_marks_the_pods(images: Checkout) -> None:
    images.stand_in("bin/kubectl", KUBECTL)
    images.stand_in("bin/helm")
    images.stand_in("bin/curl", 'printf "200"')
    images.stand_in("hack/one-node/load")
    images.stand_in("hack/gateway-url", "exit 1")  # ends the script before it sends requests to the gateway
    for source in ("pyproject.toml", "uv.lock", "libs/kit/kit.py"):
        images.stand_in(source)
    images.run("hack/up")
    assert names(images, "load") == [f"docker.io/efishery/{service}:dev" for service in SERVICES]
    (install,) = [call for call in images.calls if call.startswith("helm upgrade")]
    for component in ("auth", "mysql", "new"):
        assert f"{component}.podAnnotations.efishery/sources=" in install
