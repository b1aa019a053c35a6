"""Blackbox exporter, and what the Prometheus Operator makes of the Probe of the gateway in docs/operations.md."""

from tests.e2e.cluster import NAMESPACE
from tests.e2e.monitoring.pod_monitors import Config

MODULE = "http_2xx"
# The date is read whatever CA has signed the certificate.
MODULES: Config = {"modules": {MODULE: {"prober": "http", "http": {"tls_config": {"insecure_skip_verify": True}}}}}


def probe_config(gateway_url: str, exporter: str) -> Config:
    """Return the scrape configuration of the Probe."""
    return {
        "job_name": "gateway",
        "scrape_interval": "2s",
        "metrics_path": "/probe",
        "params": {"module": [MODULE]},
        "static_configs": [{"targets": [f"{gateway_url}/ping"], "labels": {"namespace": NAMESPACE}}],
        "relabel_configs": [
            {"source_labels": ["__address__"], "target_label": "__param_target"},
            {"source_labels": ["__param_target"], "target_label": "instance"},
            {"target_label": "__address__", "replacement": exporter},
        ],
    }
