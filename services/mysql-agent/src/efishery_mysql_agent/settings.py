"""The settings of the agent: environment variables that begin with MYSQL_AGENT_."""

from pathlib import Path
from typing import Annotated

from kubernetes.utils.quantity import parse_quantity
from pydantic import BeforeValidator, Field
from pydantic_settings import SettingsConfigDict

from servicekit.settings import ServiceSettings

MAX_MEMBERS = 9  # of a group (MySQL manual, Group Replication Requirements and Limitations)


def _bytes(size: object) -> int:
    """Return the bytes of a quantity of Kubernetes, such as 512Mi; raises ValueError."""
    return int(parse_quantity(str(size)))  # type: ignore[no-untyped-call]  # it ships no types


class AgentSettings(ServiceSettings):
    """The settings of one agent; the README's table explains each."""

    model_config = SettingsConfigDict(env_prefix="MYSQL_AGENT_")

    pod: str = Field(pattern=r"^[a-z0-9-]+-[0-9]+$")
    namespace: str = Field(min_length=1)
    service: str = "mysql"
    cluster_domain: str = "cluster.local"
    lease: str = "mysql"
    database: str = Field(default="efishery", pattern=r"^[A-Za-z0-9_]{1,64}$")
    user: str = Field(default="efishery", pattern=r"^[A-Za-z0-9_]{1,32}$")
    migration_user: str = Field(default="", pattern=r"^[A-Za-z0-9_]{0,32}$")
    socket: Path = Path("/var/run/mysqld/mysqld.sock")
    run_dir: Path = Path("/var/run/mysqld")
    state_dir: Path = Path("/var/lib/mysql-agent")
    secret_dir: Path = Path("/etc/mysql-secret")
    tls_dir: Path = Path("/etc/mysql-tls")
    port: int = Field(default=9091, ge=1, le=65535)
    # With more than agent.MAX_GAP_SECONDS, each round would be taken for one after a pause.
    interval_seconds: float = Field(default=0.5, gt=0, le=2)
    ephemeral: bool = False
    binlog_max_total_size: Annotated[int, BeforeValidator(_bytes), Field(ge=0)] = 0

    def host(self, pod: str) -> str:
        """The DNS name of a pod, which is also the member's `report_host`."""
        return f"{pod}.{self.service}.{self.namespace}.svc.{self.cluster_domain}"

    @property
    def peers(self) -> list[str]:
        """The other pods that the group can have, whether they exist or not, without a DNS lookup."""
        stem = self.pod.rpartition("-")[0]
        return [pod for number in range(MAX_MEMBERS) if (pod := f"{stem}-{number}") != self.pod]
