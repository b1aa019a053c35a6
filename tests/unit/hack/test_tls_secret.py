"""hack/tls-secret: when it makes a certificate, and for which names."""

import subprocess

import pytest

from tests.unit.hack.support import Checkout

# The cluster's Secret is three files in `secret`; `foreign` says that somebody else has made it.
KUBECTL = """cd {root}
case "$*" in
  "get nodes -o jsonpath={{.items[*].status"*) echo "{node}" ;;
  "get nodes"*) echo "one-node {{}}" ;;
  "apply -k k8s/istio"*) echo "* prices.example" ;;
  *"get service istio-ingressgateway"*.ip*) echo ;;
  *"get service istio-ingressgateway"*) echo "lb.example" ;;
  *"get secret"*metadata.name*) if [ -d secret ]; then echo efishery-tls; fi ;;
  *"get secret"*metadata.labels*) if [ -d secret ] && [ ! -e foreign ]; then echo true; fi ;;
  *"get secret"*tls*) if [ -d secret ]; then base64 -w0 secret/tls.crt; fi ;;
  "create secret generic efishery-tls"*)
    mkdir -p secret
    for option in "$@"; do case $option in --from-file=*) cp "${{option#*=}}" secret ;; esac; done ;;
esac"""
NAMES = (
    "DNS:localhost",
    "DNS:istio-ingressgateway.istio-system",
    "DNS:istio-ingressgateway.istio-system.svc",
    "IP Address:127.0.0.1",
    "IP Address:10.0.0.1",
    "DNS:lb.example",
    "DNS:prices.example",
)


@pytest.fixture
def tls(checkout: Checkout) -> Checkout:
    checkout.copy("hack/tls-secret", "hack/lib.sh", "hack/one-node/settings")
    on_node(checkout, "10.0.0.1")
    return checkout


def on_node(checkout: Checkout, address: str) -> None:
    checkout.stand_in("bin/kubectl", KUBECTL.format(root=checkout.root, node=address))


def run(checkout: Checkout) -> bytes:
    """Run the script; answer the Secret's certificate."""
    code, printed = checkout.run("hack/tls-secret")
    assert code == 0, printed
    assert "PRIVATE KEY" not in printed
    return (checkout.root / "secret/tls.crt").read_bytes()


def openssl(checkout: Checkout, *arguments: str) -> str:
    folder = checkout.root / "secret"
    return subprocess.run(["openssl", *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def test_the_certificate_is_for_all_names_and_verified_by_the_ca(tls: Checkout) -> None:
    run(tls)
    assert {path.name for path in (tls.root / "secret").iterdir()} == {"tls.crt", "tls.key", "ca.crt"}
    assert openssl(tls, "verify", "-purpose", "sslserver", "-CAfile", "ca.crt", "tls.crt") == "tls.crt: OK\n"
    found = openssl(tls, "x509", "-in", "tls.crt", "-noout", "-ext", "subjectAltName").splitlines()[1]
    assert set(found.strip().split(", ")) == set(NAMES)
    public_key = openssl(tls, "x509", "-in", "tls.crt", "-noout", "-pubkey")
    assert openssl(tls, "pkey", "-in", "tls.key", "-pubout") == public_key


def test_a_valid_certificate_is_kept(tls: Checkout) -> None:
    assert run(tls) == run(tls)


def test_a_certificate_without_a_name_is_replaced(tls: Checkout) -> None:
    first = run(tls)
    on_node(tls, "10.0.0.2")
    assert run(tls) != first
    assert "does match" in openssl(tls, "x509", "-in", "tls.crt", "-noout", "-checkip", "10.0.0.2")


def test_a_certificate_that_expires_soon_is_replaced(tls: Checkout) -> None:
    script = tls.root / "hack/tls-secret"
    lasting = script.read_text()
    script.write_text(lasting.replace("DAYS=365", "DAYS=6"))
    first = run(tls)
    script.write_text(lasting)
    assert run(tls) != first


def test_a_secret_of_the_users_own_is_left_alone(tls: Checkout) -> None:
    first = run(tls)
    (tls.root / "foreign").touch()
    on_node(tls, "10.0.0.2")
    assert run(tls) == first
