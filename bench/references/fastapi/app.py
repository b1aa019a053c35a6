"""GET /fetch/resource with FastAPI: `uvicorn bench.references.fastapi.app:app`. Each request's token is verified."""

from typing import Annotated

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bench.references.fastapi.observe import Observe
from bench.references.fastapi.representations import cached, recomputed
from bench.references.fastapi.settings import Settings

settings = Settings.from_environment()
key = load_pem_public_key(settings.key_file.read_bytes())
if not isinstance(key, RSAPublicKey):
    raise SystemExit("REFERENCE_KEY_FILE: must be an RSA key")
public_key: RSAPublicKey = key
represent = {"cache": cached, "recompute": recomputed}[settings.body](settings.content_dir)
bearer = HTTPBearer(auto_error=False)
app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
app.add_middleware(Observe)


async def verify(credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]) -> None:
    """Answer 401 without a valid token."""
    if credentials is None:
        raise HTTPException(401, "no token")
    try:
        if jwt.get_unverified_header(credentials.credentials).get("kid") != settings.key_id:
            raise HTTPException(401, "unknown key")
        jwt.decode(
            credentials.credentials,
            public_key,
            algorithms=["RS256"],
            issuer=settings.issuer,
            audience=settings.audience,
            leeway=5,
            options={"require": ["exp"]},
        )
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "the token is not valid") from error


@app.get("/fetch/resource", dependencies=[Depends(verify)])
async def resource(
    accept_encoding: Annotated[str, Header()] = "",
    if_none_match: Annotated[str, Header()] = "",
) -> Response:
    """Answer the list, or 304 if the client has it."""
    gzip = accepts_gzip(accept_encoding)
    chosen = represent(gzip=gzip)
    headers = {"ETag": chosen.etag, "Vary": "Accept, Accept-Encoding", "Cache-Control": "private, no-cache"}
    if chosen.etag in (tag.strip().removeprefix("W/") for tag in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    if gzip:
        headers["Content-Encoding"] = "gzip"
    return Response(chosen.body, media_type="application/json", headers=headers)


def accepts_gzip(field: str) -> bool:
    """Tell whether an Accept-Encoding field allows gzip (RFC 9110, section 12.5.3)."""
    for coding in field.split(","):
        name, _, weight = coding.partition(";")
        if name.strip() == "gzip":
            return not weight.strip().startswith("q=") or weight.strip()[2:].strip("0.") != ""
    return False
