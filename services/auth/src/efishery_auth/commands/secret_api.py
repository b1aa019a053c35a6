"""Reads and updates one Secret through the Kubernetes API; each call has a timeout and raises SecretApiError."""

import base64
import os
from collections.abc import Callable
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from efishery_auth.signing_secret import SecretContent

TIMEOUT_SECONDS = (3, 10)  # connect, read


class SecretApiError(Exception):
    """The API did not answer, or refused; the text has the remedy."""


class SecretApi:
    """One Secret, by the service account of the pod, or by the kubeconfig of a person outside the cluster."""

    def __init__(self, namespace: str, name: str) -> None:
        self._namespace, self._name = namespace, name
        self._core = client.CoreV1Api(_connect())
        self._read: Any = None

    def read(self) -> SecretContent:
        """Return the content of the Secret."""
        self._read = self._call(self._core.read_namespaced_secret, self._name, self._namespace)
        data = {key: base64.b64decode(value) for key, value in (self._read.data or {}).items()}
        return SecretContent(data, dict(self._read.metadata.annotations or {}))

    def update(self, content: SecretContent) -> None:
        """Replace the content that `read` returned, at once, if the Secret has not changed since (resourceVersion)."""
        self._read.data = {key: base64.b64encode(value).decode() for key, value in content.data.items()}
        self._read.metadata.annotations = dict(content.annotations)
        self._call(self._core.replace_namespaced_secret, self._name, self._namespace, self._read)

    def _call(self, method: Callable[..., Any], *arguments: object) -> Any:  # noqa: ANN401 -- the client has no types
        try:
            return method(*arguments, _request_timeout=TIMEOUT_SECONDS)
        except ApiException as error:
            raise SecretApiError(self._explain(error)) from error
        except (HTTPError, OSError) as error:
            raise SecretApiError(f"the Kubernetes API does not answer: {error}") from error

    def _explain(self, error: ApiException) -> str:
        secret = f"Secret {self._name} in namespace {self._namespace}"
        reasons = {
            403: f"not allowed to get and update the {secret}: see the Role auth-key-rotation",
            404: f"there is no {secret}: name another with --secret and --namespace, or install the chart",
            409: f"the {secret} was changed at the same time, nothing was done: run the command again",
        }
        return reasons.get(error.status, f"the Kubernetes API refused the {secret}: {error.status} {error.reason}")


def _connect() -> client.ApiClient:
    configuration = client.Configuration()
    try:
        if "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]  # it ships no types
        else:
            config.load_kube_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException as error:
        raise SecretApiError(f"no access to a Kubernetes API: {error}") from error
    configuration.retries = 0  # the next run tries again
    return client.ApiClient(configuration)
