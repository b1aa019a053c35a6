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


def test_a_manifest_list_is_built_by_buildx_with_docker(images: Checkout) -> None:
    code, printed = images.run("hack/images", PLATFORMS="linux/amd64,linux/arm64", PUSH_IMAGE="true", REGISTRY="reg")
    assert code == 0, printed
    assert [call for call in images.calls if "build" in call] == [
        f"docker buildx build --platform linux/amd64,linux/arm64 -f services/{service}/Dockerfile"
        f" -t reg/efishery/{service}:dev --push ."
        for service in SERVICES
    ]


def test_a_manifest_list_is_pushed_with_its_images_by_buildah(images: Checkout) -> None:
    images.stand_in("bin/docker", "exit 1")
    images.stand_in("bin/podman", "exit 1")
    images.stand_in("bin/buildah", '[ "$1 $2" != "manifest rm" ] || exit 1')
    images.run("hack/images", PLATFORMS="linux/amd64", PUSH_IMAGE="true", REGISTRY="localhost:5000")
    name = "localhost:5000/efishery/auth:dev"
    assert [call for call in images.calls if call.startswith("buildah") and "auth" in call] == [
        f"buildah manifest rm {name}-list",
        "buildah build --platform linux/amd64 -f services/auth/Dockerfile --isolation chroot --layers"
        f" --manifest {name}-list .",
        f"buildah manifest push --all --tls-verify=false {name}-list docker://{name}",
        f"buildah manifest rm {name}-list",
    ]


def test_a_manifest_list_that_is_not_pushed_is_refused(images: Checkout) -> None:
    code, printed = images.run("hack/images", PLATFORMS="linux/amd64")
    assert code == 1
    assert "PLATFORMS needs PUSH_IMAGE=true" in printed
    assert not images.calls


def test_a_failed_build_of_a_manifest_list_is_a_failure(images: Checkout) -> None:
    images.stand_in("bin/docker", '[ "$1" != buildx ] || { echo no builder; exit 1; }')
    code, printed = images.run("hack/images", PLATFORMS="linux/amd64", PUSH_IMAGE="true")
    assert code == 1
    assert "no builder" in printed
    assert "building services/auth/Dockerfile with docker failed" in printed


def test_one_step_of_up_leaves_the_others_out(images: Checkout) -> None:
    images.stand_in("bin/kubectl", KUBECTL)
    images.stand_in("bin/helm")
    images.stand_in("hack/one-node/load")
    images.stand_in("hack/up-images", 'exec "${0%/*}/up" images')
    code, printed = images.run("hack/up-images")
    assert code == 0, printed
    assert names(images, "load") == [f"docker.io/efishery/{service}:dev" for service in SERVICES]
    assert not [call for call in images.calls if call.startswith(("helm", "kubectl apply"))]


def test_an_unknown_step_of_up_is_refused(images: Checkout) -> None:
    images.stand_in("hack/up-chats", 'exec "${0%/*}/up" chats')
    code, printed = images.run("hack/up-chats")
    assert code == 1
    assert "there is no step 'chats'" in printed
    assert images.calls == ["up-chats "]
