"""Each image of this project that the chart names is built by skaffold, hack/images and hack/up, and no other."""

import hashlib
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from servicekit import development
from tests.charts import helm
from tests.charts.manifests import Manifests, parse

REGISTRY = "registry.example"
DEV_VALUES = ("--values", str(helm.REPOSITORY / "hack/values-dev.yaml"))
SKAFFOLD: dict[str, Any] = yaml.safe_load((helm.REPOSITORY / "skaffold.yaml").read_text())
RELOAD = "reload"  # the profile of `skaffold dev`, beside that of a cluster
PROFILES = [profile["name"] for profile in SKAFFOLD["profiles"] if profile["name"] != RELOAD]
SERVICES = sorted(path.parent.name for path in helm.REPOSITORY.glob("services/*/Dockerfile"))


def rendered(*options: str) -> Manifests:
    """Render the chart with the values of `make up` and skaffold."""
    result = helm.template("efishery", *DEV_VALUES, *options)
    assert result.returncode == 0, result.stderr
    return parse(result.stdout)


def images(manifests: Manifests) -> set[str]:
    """Return the images of this project, without those of MySQL and Redis."""
    containers = [container for workload in manifests.workloads for container in workload.all_containers]
    return {container["image"] for container in containers if "efishery/" in container["image"]}


def with_profile(name: str) -> dict[str, Any]:
    """Return skaffold's configuration with a profile, which replaces whole lists (skaffold.dev, Profiles)."""
    profile = next(profile for profile in SKAFFOLD["profiles"] if profile["name"] == name)
    assert not {"patches", "deploy"} & profile.keys(), "this test does not merge them"
    return {**SKAFFOLD, "build": {**SKAFFOLD["build"], **profile.get("build", {})}}


def test_the_chart_names_an_image_of_each_service() -> None:
    assert images(rendered()) == {f"efishery/{service}:dev" for service in SERVICES}


@pytest.mark.parametrize("profile", PROFILES)
def test_skaffold_builds_each_image_from_its_dockerfile(profile: str) -> None:
    built = {artifact["image"]: artifact for artifact in with_profile(profile)["build"]["artifacts"]}
    assert sorted(built) == [f"efishery/{service}" for service in SERVICES]
    for service in SERVICES:
        artifact = built[f"efishery/{service}"]
        if profile == "one-node":
            assert artifact["custom"]["buildCommand"] == f"hack/images {service}"
        else:
            assert artifact["docker"] == {"dockerfile": f"services/{service}/Dockerfile"}


@pytest.mark.parametrize("profile", PROFILES)
def test_the_release_uses_the_images_that_skaffold_built(profile: str) -> None:
    configuration = with_profile(profile)
    (release,) = configuration["deploy"]["helm"]["releases"]
    values = [f"{name}={_built(template)}" for name, template in release["setValueTemplates"].items()]
    options = [option for value in values for option in ("--set-string", value)]
    artifacts = [artifact["image"] for artifact in configuration["build"]["artifacts"]]
    assert images(rendered(*options)) == {f"{REGISTRY}/{image}:built@{_digest(image)}" for image in artifacts}


@pytest.mark.parametrize("profile", PROFILES)
def test_skaffold_copies_changed_code_into_the_pods_that_reload_it(profile: str) -> None:
    (reload,) = [each for each in SKAFFOLD["profiles"] if each["name"] == RELOAD]
    (patch,) = reload["patches"]
    assert reload["activation"] == [{"command": "dev"}]
    rendered_with_it = rendered("--set", ",".join(f"{name}={value}".lower() for name, value in patch["value"].items()))
    reloading = {w.owner.name for w in rendered_with_it.workloads if "servicekit.development" in str(w.containers)}
    copied = {each["image"]: each["sync"] for each in with_profile(profile)["build"]["artifacts"] if "sync" in each}
    assert set(copied) == {f"efishery/{name}" for name in reloading}
    for image, sync in copied.items():
        service = image.removeprefix("efishery/")
        folders = (f"services/{service}/src/", "libs/servicekit/src/")
        rules = [{"src": f"{folder}**/*", "dest": str(development.SOURCES), "strip": folder} for folder in folders]
        assert sync == {"manual": rules}


def _built(template: str) -> str:
    """Return what skaffold makes of a value's template for an image that it has pushed."""
    text = re.sub(r"\{\{with (\.\w+)\}\}\{\{\.\}\}\{\{end\}\}", r"{{\1}}", template)
    text = re.sub(r"\{\{if \.\w+\}\}(.+?)\{\{end\}\}", r"\1", text)
    for service in SERVICES:
        name = _variable(f"efishery/{service}")
        for kind, value in {
            "REPO": f"{REGISTRY}/efishery/{service}",
            "TAG": "built",
            "DIGEST": _digest(name),
        }.items():
            text = text.replace(f"{{{{.IMAGE_{kind}_{name}}}}}", value)
    return text


def _digest(image: str) -> str:
    return f"sha256:{hashlib.sha256(_variable(image).encode()).hexdigest()}"


def _variable(image: str) -> str:
    return re.sub(r"[/.-]", "_", image)


@pytest.mark.parametrize("service", SERVICES)
def test_the_one_node_profile_rebuilds_an_image_when_its_sources_change(service: str) -> None:
    artifact = next(
        each for each in with_profile("one-node")["build"]["artifacts"] if each["image"] == f"efishery/{service}"
    )
    dockerfile = (helm.REPOSITORY / f"services/{service}/Dockerfile").read_text()
    copied = [
        path for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE) for path in line.split()
    ]
    watched = [Path(path) for path in artifact["custom"]["dependencies"]["paths"]]
    assert watched
    for path in map(Path, copied):
        assert any(path.is_relative_to(each) for each in watched), f"{path} is not watched"


def test_hack_images_and_hack_up_know_each_service() -> None:
    # Both loop over SERVICES; tests/unit/hack/test_images.py runs them.
    script = 'source hack/lib.sh && printf "%s\\n" "${SERVICES[@]}"'
    listed = subprocess.run(["bash", "-c", script], cwd=helm.REPOSITORY, capture_output=True, text=True, check=True)
    assert sorted(listed.stdout.split()) == SERVICES


def test_the_one_node_cluster_has_the_public_images() -> None:
    """It builds them itself, under their public names: a machine without internet access cannot pull them."""
    named = {container["image"] for workload in rendered().workloads for container in workload.all_containers}
    for dockerfile in helm.REPOSITORY.glob("services/*/Dockerfile"):
        named |= set(re.findall(r"^FROM (\S+)", dockerfile.read_text(), re.MULTILINE))
    script = (helm.REPOSITORY / "hack/one-node/images/build").read_text()
    built = set(re.findall(r"^ *image docker\.io/library/(\S+)", script, re.MULTILINE))
    public = {image for image in named if not image.startswith("efishery/")}
    assert {f"mysql:{mysql_version()}", "redis:8"} <= public <= built
    assert "mysql:9.7" in built, "of version 0.1.0, from which make e2e-upgrade upgrades"


def mysql_version() -> str:
    """Return the tag of MySQL's image in charts/mysql."""
    values = yaml.safe_load((helm.REPOSITORY / "charts/mysql/values.yaml").read_text())
    return str(values["image"]["tag"])


def test_mysql_is_pinned_to_a_patch_release_everywhere() -> None:
    version = mysql_version()
    assert re.fullmatch(r"\d+\.\d+\.\d+", version)
    chart = yaml.safe_load((helm.REPOSITORY / "charts/mysql/Chart.yaml").read_text())
    compose = yaml.safe_load((helm.REPOSITORY / "compose.yaml").read_text())
    assert (chart["appVersion"], compose["services"]["mysql"]["image"]) == (version, f"mysql:{version}")


# The value of each image, and a container that has it.
IMAGES = {
    "auth.image": ("Deployment/auth", "efishery/auth"),
    "fetch.image": ("Deployment/fetch", "efishery/fetch"),
    "docs.image": ("Deployment/docs", "efishery/docs"),
    "rateCron.image": ("CronJob/rate-cron", "efishery/rate-cron"),
    "sample.image": ("Deployment/sample", "efishery/sample"),
    "redis.image": ("Deployment/redis", "redis"),
    "mysql.image": ("StatefulSet/mysql", "mysql"),
    "mysql.agent.image": ("StatefulSet/mysql", "efishery/mysql-agent"),
}


def test_every_image_can_be_named_by_its_digest_and_the_labels_stay_valid() -> None:
    digests = {value: _digest(value) for value in IMAGES}
    options = [word for value, digest in digests.items() for word in ("--set", f"{value}.digest={digest}")]
    objects = rendered("--set", "mysql.backup.enabled=true,auth.keyRotation.enabled=true", *options)
    found = {container["image"] for workload in objects.workloads for container in workload.all_containers}
    assert found == {f"{name}@{digests[value]}" for value, (_, name) in IMAGES.items()}
    for value, (workload, name) in IMAGES.items():
        used = [container["image"] for container in objects.workload(workload).all_containers]
        assert f"{name}@{digests[value]}" in used, value
    for manifest in [*objects.objects, *(workload.pod for workload in objects.workloads)]:
        for key, label in manifest.labels.items():
            assert re.fullmatch(r"[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?", label), f"{manifest.id} {key}"


def test_a_digest_has_the_registry_of_the_values_and_replaces_the_global_tag() -> None:
    digest = _digest("auth")
    options = [f"auth.image.digest={digest}", f"global.image.registry={REGISTRY}", "global.image.tag=v1"]
    auth = rendered("--set", ",".join(options)).workload("Deployment/auth")
    assert auth.containers[0]["image"] == f"{REGISTRY}/efishery/auth@{digest}"


@pytest.mark.parametrize("value", IMAGES)
def test_what_is_no_digest_is_refused_by_name(value: str) -> None:
    refused = helm.template("efishery", *DEV_VALUES, "--set", f"{value}.digest=sha256:12ab")
    assert refused.returncode != 0
    assert "digest" in refused.stderr


TAGS = [*IMAGES, "global.image", "auth.canary.image", "fetch.canary.image", "docs.canary.image"]


@pytest.mark.parametrize("tag", [f"1.0@{_digest('auth')}", "x" * 129, "-rc", "1.0+1"])
def test_what_is_no_tag_is_refused_with_the_remedy(tag: str) -> None:
    options = [word for value in TAGS for word in ("--set", f"{value}.tag={tag}")]
    message = helm.template("efishery", *DEV_VALUES, *options).stderr
    for value in TAGS:
        path = value.removeprefix("mysql.").replace(".", "/")
        assert re.search(rf"'/{path}/tag': value must be 'a tag .*; a digest goes into digest'", message), value
