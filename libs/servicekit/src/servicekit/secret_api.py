"""One Secret in the Kubernetes API: read, update, create. Each call has a timeout and raises SecretApiError."""

import base64
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

TIMEOUT_SECONDS = (3, 10)  # connect, read


class SecretApiError(Exception):
    """The API did not answer, or refused; the text has the remedy."""


class SecretNotFound(SecretApiError):
    """There is no such Secret."""


class SecretConflict(SecretApiError):
    """The Secret was changed, or created, at the same time."""


@dataclass(frozen=True)
class SecretContent:
    """Data, decoded, and annotations of a Secret."""

    data: Mapping[str, bytes]
    annotations: Mapping[str, str] = field(default_factory=dict)


class SecretApi:
    """One Secret, by the service account of the pod, or by the kubeconfig of a person outside the cluster."""

    def __init__(self, namespace: str, name: str) -> None:
        self._namespace, self._name = namespace, name
        self._core = client.CoreV1Api(_connect())
        self._read: Any = None

    def read(self) -> SecretContent:
        """Return the content of the Secret."""
        self._read = self._call("get", self._core.read_namespaced_secret, self._name, self._namespace)
        data = {key: base64.b64decode(value) for key, value in (self._read.data or {}).items()}
        return SecretContent(data, dict(self._read.metadata.annotations or {}))

    def update(self, content: SecretContent) -> None:
        """Replace the content that `read` returned, at once, if the Secret has not changed since (resourceVersion)."""
        self._read.data = _encoded(content.data)
        self._read.metadata.annotations = dict(content.annotations)
        self._call("update", self._core.replace_namespaced_secret, self._name, self._namespace, self._read)

    def create(self, data: Mapping[str, bytes], *, secret_type: str, labels: Mapping[str, str]) -> None:
        """Create the Secret. Raises SecretConflict if it exists."""
        metadata = {"name": self._name, "labels": dict(labels)}
        body = {"metadata": metadata, "type": secret_type, "data": _encoded(data)}
        self._call("create", self._core.create_namespaced_secret, self._namespace, body)

    def _call(self, verb: str, method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 -- no types
        try:
            return method(*arguments, _request_timeout=TIMEOUT_SECONDS)
        except ApiException as error:
            raise self._explained(verb, error) from error
        except (HTTPError, OSError) as error:
            raise SecretApiError(f"the Kubernetes API does not answer: {error}") from error

    def _explained(self, verb: str, error: ApiException) -> SecretApiError:
        secret = f"Secret {self._name} in namespace {self._namespace}"
        match error.status:
            case 403:
                return SecretApiError(f"not allowed to {verb} the {secret}: a Role has to allow it to this account")
            case 404:
                return SecretNotFound(f"there is no {secret}")
            case 409:
                return SecretConflict(f"the {secret} was changed at the same time, nothing was done: run it again")
        return SecretApiError(f"the Kubernetes API refused to {verb} the {secret}: {error.status} {error.reason}")


def _encoded(data: Mapping[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(value).decode() for key, value in data.items()}


def _connect() -> client.ApiClient:
    configuration = client.Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it ships no types
        else:
            config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # as above
    except ConfigException as error:
        raise SecretApiError(f"no access to a Kubernetes API: {error}") from error
    configuration.retries = 0  # the next run tries again
    return client.ApiClient(configuration)
