"""The Secrets that the Jobs of a rendering create."""

from pydantic import TypeAdapter

from servicekit.create_secrets import SecretSpec
from tests.charts.manifests import Manifests

SPECS = TypeAdapter(list[SecretSpec])


def specs(rendered: Manifests) -> dict[str, SecretSpec]:
    """Return what is created, by the Secret's name."""
    environments = [
        {variable["name"]: variable.get("value", "") for variable in workload.containers[0].get("env", [])}
        for workload in rendered.workloads
    ]
    texts = [variables["CREATE_SECRETS_SPECS"] for variables in environments if "CREATE_SECRETS_SPECS" in variables]
    return {spec.name: spec for text in texts for spec in SPECS.validate_json(text)}
