"""A renewal of the generated certificate and its CA, without the hours between its steps."""

from contextlib import suppress
from functools import partial

from tests.e2e.cluster import wait_for
from tests.e2e.mysql.harness import Harness
from tests.e2e.mysql.limits import FAILED_REGISTRATIONS_JOINING
from tests.e2e.mysql.load_generator import LoadGenerator
from tests.e2e.mysql.release import Release

SECRET = "mysql-tls"
STEPS = ("publish", "activate", "retire")
FILES = ("ca.crt", "tls.crt")
# The kubelet updates files within two minutes; then the agents look at them every half minute, and reload twice.
ARRIVAL_SECONDS = 300


def renew(harness: Harness) -> None:
    """Renew certificate and CA while clients register and log in: no login fails."""
    load = LoadGenerator(harness.url, rate=5)
    with harness.under_load(load):
        _take_steps(harness)
    harness.report.note(f"certificate and CA renewed, at {load.rate} requests a second: {load.summary()}.")
    assert not load.problems(registrations=FAILED_REGISTRATIONS_JOINING, logins=0)


def _take_steps(harness: Harness) -> None:
    """Take each step when all members have reloaded the one before; restart a replica in the middle of the second.

    That replica has the new certificate at once, while its peers still serve the former one.
    """
    release = harness.release
    before = release.secret(SECRET)
    release.kubectl("annotate", "secret", SECRET, "mysql.efishery/renew-certificate=", "--overwrite")
    for step in STEPS:
        reloads = {member.pod: _reloads(release, member.pod) for member in harness.members()}
        release.run_cronjob("mysql-certificate-renewal", f"renew-{step}", RENEW_CERTIFICATE_WAIT_SECONDS="0")
        if step == "activate":
            restarted = harness.replica().pod
            release.delete_pods(restarted)
            reloads[restarted] = 0
        secret = release.secret(SECRET)
        for pod, former in reloads.items():
            wait_for(f"{pod} to have the files", partial(_has_files, release, pod, secret), ARRIVAL_SECONDS)
            wait_for(f"{pod} to reload", partial(_has_reloaded, release, pod, former), 120)
    after = release.secret(SECRET)
    assert after.keys() == before.keys(), f"the Secret has {sorted(after)}"
    assert not set(after.values()) & set(before.values()), "not everything was renewed"


def _has_files(release: Release, pod: str, secret: dict[str, str]) -> bool:
    paths = [f"/etc/{SECRET}/{name}" for name in FILES]
    with suppress(AssertionError):  # a pod that has just been deleted
        return release.kubectl("exec", pod, "-c", "mysql", "--", "cat", *paths) == "".join(secret[n] for n in FILES)
    return False


def _has_reloaded(release: Release, pod: str, former: int) -> bool:
    return _reloads(release, pod) >= former + 2


def _reloads(release: Release, pod: str) -> int:
    """Count how often the agent of that pod has let mysqld reload its certificate."""
    with suppress(AssertionError):
        return release.kubectl("logs", pod, "-c", "mysql-agent").count("certificate_reloaded")
    return 0
