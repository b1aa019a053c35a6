"""Tokens that must never be accepted, as attackers make them (RFC 8725; RFC 7515, section 4.1; RFC 7519, section 4.1).

Most attackers do not have the signing key. `mis_issued` has it: those tokens are what a faulty issuer could sign, and
they show that each claim and header is checked by itself.
"""

import base64
import hmac
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm

Header = dict[str, Any]
Claims = dict[str, Any]


@dataclass(frozen=True)
class Material:
    """What tokens are made of: this environment's key, its `kid` and certificate (PEM), and a valid token's claims."""

    key: rsa.RSAPrivateKey
    kid: str
    certificate: bytes
    claims: Claims

    def header(self, **changes: object) -> Header:
        """Return the header of a valid token with some fields changed."""
        return {"alg": "RS256", "typ": "at+jwt", "kid": self.kid} | changes

    def valid(self) -> str:
        """Return a token that is accepted."""
        return sign(self.header(), self.claims, self.key)


@dataclass(frozen=True)
class Attack:
    """A name, the tokens, and whether the proxies of the mesh can know that they are not valid."""

    name: str
    make: Callable[[Material], str]
    mesh_knows: bool = True


ATTACKER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ATTACKER_EC_KEY = ec.generate_private_key(ec.SECP256R1())


def encode(part: object) -> str:
    """Return a part of a token: bytes as they are, everything else as JSON, in base64url without padding."""
    data = part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(header: object, claims: object, key: rsa.RSAPrivateKey, hashed: Any = SHA256, pss: bool = False) -> str:
    """Sign any header and claims, also those that a library would refuse to sign."""
    signed = f"{encode(header)}.{encode(claims)}"
    scheme = padding.PSS(padding.MGF1(hashed()), hashed.digest_size) if pss else padding.PKCS1v15()
    return f"{signed}.{encode(key.sign(signed.encode(), scheme, hashed()))}"


def sign_hmac(header: Header, claims: Claims, secret: bytes) -> str:
    """Sign with the algorithm HS256, HS384 or HS512 of the header."""
    signed = f"{encode(header)}.{encode(claims)}"
    return f"{signed}.{encode(hmac.digest(secret, signed.encode(), header['alg'].replace('HS', 'sha')))}"


def unsigned(material: Material, algorithm: str, signature: str = "") -> str:
    """Return a token of an admin with this `alg` and signature."""
    header = {"alg": algorithm, "typ": "JWT", "kid": material.kid}
    return f"{encode(header)}.{encode(material.claims | {'role': 'admin'})}.{signature}"


def signed_by_issuer(material: Material, header: Header | None = None, claims: Claims | None = None) -> str:
    """Sign with the right key, with some fields of the header or claims changed."""
    return sign(material.header(**(header or {})), material.claims | (claims or {}), material.key)


def signed_by_attacker(material: Material, header: Header) -> str:
    """Sign valid claims with the attacker's key."""
    return sign(material.header(**header), material.claims, ATTACKER_KEY)


def signed_with_public_key(material: Material, algorithm: str, form: str) -> str:
    """Sign with an HMAC whose secret is a text of the public key."""
    return sign_hmac(material.header(alg=algorithm), material.claims, public_forms(material)[form])


def signed_with_secret(material: Material, kid: str, secret: bytes) -> str:
    """Sign with an HMAC whose secret `kid` makes a careless service read."""
    return sign_hmac(material.header(alg="HS256", kid=kid), material.claims, secret)


def with_claims(material: Material, **changes: object) -> str:
    """Return a valid token with other claims under its signature."""
    return exchange(material.valid(), 1, encode(material.claims | changes))


def public_forms(material: Material) -> dict[str, bytes]:
    """Return the texts of the public key that somebody could take for the secret of an HMAC."""
    public = material.key.public_key()
    return {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "PKCS #1": public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
        "DER": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "certificate": material.certificate,
        "JWK": json.dumps(RSAAlgorithm.to_jwk(public, as_dict=True)).encode(),
    }


def algorithm_confusion() -> Iterator[Attack]:
    """No signature, or an HMAC whose secret is the public key (RFC 8725, section 2.1)."""
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield Attack(f"alg {name!r}", partial(unsigned, algorithm=name))
    yield Attack("alg none with a signature", lambda m: unsigned(m, "none", m.valid().split(".")[2]))
    for form in ("PEM", "PKCS #1", "DER", "certificate", "JWK"):
        yield Attack(f"HS256 with the {form}", partial(signed_with_public_key, algorithm="HS256", form=form))
    for algorithm in ("HS384", "HS512"):
        yield Attack(f"{algorithm} with the PEM", partial(signed_with_public_key, algorithm=algorithm, form="PEM"))
    yield Attack("HS256 with an empty secret", lambda m: sign_hmac(m.header(alg="HS256"), m.claims, b""))
    yield Attack("RS384 of the right key", lambda m: sign(m.header(alg="RS384"), m.claims, m.key, SHA384))
    yield Attack("RS512 of the right key", lambda m: sign(m.header(alg="RS512"), m.claims, m.key, SHA512))
    yield Attack("PS256 of the right key", lambda m: sign(m.header(alg="PS256"), m.claims, m.key, pss=True))
    yield Attack("PS256 signature called RS256", lambda m: sign(m.header(), m.claims, m.key, pss=True))
    yield Attack("ES256 of another key", elliptic)
    yield Attack("two algorithms", lambda m: sign(two_algorithms(m), m.claims | {"role": "admin"}, ATTACKER_KEY))


def elliptic(material: Material) -> str:
    """Sign with an elliptic curve, under the `kid` of the RSA key."""
    signed = f"{encode(material.header(alg='ES256'))}.{encode(material.claims)}"
    return f"{signed}.{encode(ATTACKER_EC_KEY.sign(signed.encode(), ec.ECDSA(SHA256())))}"


def two_algorithms(material: Material) -> bytes:
    """Return a header with `alg` twice: parsers differ in which one counts."""
    return f'{{"alg":"RS256","kid":"{material.kid}","typ":"at+jwt","alg":"none"}}'.encode()


def wrong_keys() -> Iterator[Attack]:
    """Keys of the attacker, and `kid` as a path, a query, or another type (RFC 8725, section 3.10)."""
    jwk = RSAAlgorithm.to_jwk(ATTACKER_KEY.public_key(), as_dict=True)
    elsewhere = "https://attacker.example/keys"
    headers: dict[str, Header] = {
        "another environment's key under the right kid": {},
        "another environment's key": {"kid": "another"},
        "jku": {"jku": elsewhere, "kid": "another"},
        "jku with the right kid": {"jku": elsewhere},
        "x5u": {"x5u": elsewhere, "kid": "another"},
        "x5u with the right kid": {"x5u": elsewhere},
        "jwk": {"jwk": jwk},
        "jwk with a kid of its own": {"jwk": jwk | {"kid": "another"}, "kid": "another"},
        "x5c": {"x5c": ["MIIB"]},
        "kid is a path": {"kid": "../../../../dev/null"},
        "kid is the certificate's file": {"kid": "/etc/efishery/keys/current.crt"},
        "kid is SQL": {"kid": "x' UNION SELECT 'secret'-- "},
        "kid is a URL": {"kid": elsewhere},
        "kid is empty": {"kid": ""},
        "kid has NUL": {"kid": "\0"},
        "kid is long": {"kid": "x" * 4000},
    }
    for name, changes in headers.items():
        yield Attack(name, partial(signed_by_attacker, header=changes))
    yield Attack("no kid", lambda m: sign({"alg": "RS256", "typ": "at+jwt"}, m.claims, ATTACKER_KEY))
    no_text: list[object] = [None, 1, True, [], {}]
    for kid in no_text:
        yield Attack(f"kid is {kid!r}", partial(signed_by_attacker, header={"kid": kid}))
    for name, kid_of_secret, secret in (
        ("kid is a path of an empty secret", "../../../../dev/null", b""),
        ("kid is SQL that returns the secret", "x' UNION SELECT 'secret'-- ", b"secret"),
    ):
        yield Attack(name, partial(signed_with_secret, kid=kid_of_secret, secret=secret))


def altered() -> Iterator[Attack]:
    """A valid token with other claims, or with a part cut or exchanged."""
    yield Attack("changed role", partial(with_claims, role="admin"))
    yield Attack("changed user", partial(with_claims, sub="1"))
    yield Attack("changed expiry", partial(with_claims, exp=4_000_000_000))
    yield Attack("changed session", partial(with_claims, sid="A" * 22))
    yield Attack("two roles", lambda m: exchange(m.valid(), 1, encode(two_roles(m))))
    yield Attack("another algorithm over the signature", lambda m: exchange(m.valid(), 0, encode(m.header(alg="none"))))
    yield Attack("no signature", lambda m: exchange(m.valid(), 2, ""))
    yield Attack("half a signature", lambda m: m.valid()[:-170])
    yield Attack("a longer signature", lambda m: m.valid() + "AAAA")
    yield Attack("a signature of zeros", lambda m: exchange(m.valid(), 2, encode(bytes(256))))
    yield Attack("one bit of the signature", one_bit)
    yield Attack("the signature of other claims", other_signature)
    yield Attack("two parts", lambda m: ".".join(m.valid().split(".")[:2]))
    yield Attack("four parts", lambda m: f"{m.valid()}.{encode({})}")
    yield Attack("five parts, as if encrypted", lambda _m: f"{encode({'alg': 'dir', 'enc': 'A256GCM'})}....")
    yield Attack("empty parts", lambda _m: "..")
    yield Attack("no base64", lambda m: exchange(m.valid(), 1, "!!!!"))
    yield Attack("a header that is no object", lambda m: exchange(m.valid(), 0, encode([])))
    yield Attack("a header that is no JSON", lambda m: exchange(m.valid(), 0, encode(b"{")))


def exchange(token: str, part: int, text: str) -> str:
    """Return the token with another header (0), claims (1) or signature (2)."""
    parts = token.split(".")
    parts[part] = text
    return ".".join(parts)


def two_roles(material: Material) -> bytes:
    """Return the claims with a second role."""
    return json.dumps(material.claims).encode()[:-1] + b',"role":"admin"}'


def one_bit(material: Material) -> str:
    """Flip the first bit of the signature."""
    signature = base64.urlsafe_b64decode(material.valid().split(".")[2] + "==")
    return exchange(material.valid(), 2, encode(bytes([signature[0] ^ 1]) + signature[1:]))


def other_signature(material: Material) -> str:
    """Put the signature of a user's token under the claims of an admin."""
    return exchange(material.valid(), 1, encode(material.claims | {"role": "admin"}))


def mis_issued() -> Iterator[Attack]:
    """Signed with the right key, with a claim or header that is wrong."""
    now = int(datetime.now(UTC).timestamp())
    changes: dict[str, Claims] = {
        "another issuer": {"iss": "another"},
        "issuer in a list": {"iss": ["efishery-auth"]},
        "another audience": {"aud": "another"},
        "other audiences": {"aud": ["another", "others"]},
        "audience is a number": {"aud": 1},
        "expired": {"exp": now - 3600},
        "not yet valid": {"nbf": now + 3600},
    }
    for name, changed in changes.items():
        yield Attack(name, partial(signed_by_issuer, claims=changed))
    service_knows: dict[str, Claims] = {
        "expiry is text": {"exp": "never"},
        "expiry is null": {"exp": None},
        "issued in the future": {"iat": now + 3600},
        "user is a number": {"sub": 7},
        "user is null": {"sub": None},
        "a refresh token": {"type": "refresh"},
    }
    for name, changed in service_knows.items():
        yield Attack(name, partial(signed_by_issuer, claims=changed), mesh_knows=False)
    for claim in ("iss", "aud", "exp", "sub"):
        yield Attack(f"no {claim}", partial(without_claim, claim=claim), mesh_knows=False)
    for claims in (b"[]", b'"text"', b"1", b"null", b"{", b""):
        yield Attack(f"claims are {claims!r}", partial(with_whole_claims, claims=claims))
    headers: dict[str, Header] = {
        "of another type": {"typ": "rt+jwt"},
        "type is a number": {"typ": 1},
        "a critical extension": {"crit": ["exp"], "exp": 0},
        "an unencoded payload": {"b64": False, "crit": ["b64"]},
    }
    for name, changed in headers.items():
        yield Attack(name, partial(signed_by_issuer, header=changed), mesh_knows=False)
    yield Attack("right key without kid", lambda m: sign(without(m.header(), "kid"), m.claims, m.key), mesh_knows=False)


def without_claim(material: Material, claim: str) -> str:
    """Sign all claims but one."""
    return sign(material.header(), without(material.claims, claim), material.key)


def with_whole_claims(material: Material, claims: bytes) -> str:
    """Sign a text instead of the claims."""
    return sign(material.header(), claims, material.key)


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the values without one."""
    return {key: value for key, value in values.items() if key != name}


ATTACKS = [*algorithm_confusion(), *wrong_keys(), *altered(), *mis_issued()]
