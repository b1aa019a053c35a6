"""What makes the alert on the gateway's certificate fire."""

import base64
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from cryptography import x509

from servicekit.certificates import KeyPair, new_authority, new_certificate
from tests.e2e.cluster import Cluster
from tests.e2e.monitoring.outcomes import Alert, Cause, Observer

SECRET, GATEWAY_NAMESPACE = "efishery-tls", "istio-system"
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class GatewayCauses:
    """The faults of the gateway."""

    cluster: Cluster

    def run(self, observer: Observer) -> None:
        """Cause them."""
        alerts = (Alert("GatewayCertificateExpires"),)
        observer.observe(Cause("the gateway serves a certificate of seven days", self._short_lived, alerts))

    @contextmanager
    def _short_lived(self) -> Iterator[None]:
        before = self.cluster.secret(SECRET, GATEWAY_NAMESPACE)
        authority = new_authority("e2e", 2 * WEEK)
        pair = _for_the_same_names(before["tls.crt"], authority)
        # Other tests connect meanwhile: they read this file for each new connection.
        with Path(os.environ["REQUESTS_CA_BUNDLE"]).open("ab") as trusted:
            trusted.write(authority.certificate_pem)
        self._write({"tls.crt": pair.certificate_pem, "tls.key": pair.key_pem})
        try:
            yield
        finally:
            self._write({name: before[name].encode() for name in ("tls.crt", "tls.key")})

    def _write(self, files: Mapping[str, bytes]) -> None:
        data = {name: base64.b64encode(content).decode() for name, content in files.items()}
        self.cluster.core.patch_namespaced_secret(SECRET, GATEWAY_NAMESPACE, {"data": data})


def _for_the_same_names(certificate: str, authority: KeyPair) -> KeyPair:
    names = x509.load_pem_x509_certificate(certificate.encode()).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    hosts = names.value.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in names.value.get_values_for_type(x509.IPAddress)]
    return new_certificate(authority, "e2e", hosts, addresses, WEEK)
