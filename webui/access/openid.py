"""Signing in at a provider of OpenID Connect: who comes back from there is a person of this server."""

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from ubam.core.errors import UbamError
from webui.access.identity import find_user
from webui.data.models import User
from webui.settings import OpenId

LONGEST = 300
NAME_CLAIMS = ("preferred_username", "name", "email")


Claims = Mapping[str, object]


class Answer(TypedDict, total=False):
    """What a provider answers to a code; `userinfo` is the identity."""

    userinfo: Claims


class Provider(Protocol):
    """What this service needs of Authlib's client."""

    def authorize_redirect(self, redirect_uri: str) -> Any:
        """Send the browser to the provider, with a state, a nonce and a challenge that only this session knows."""

    def authorize_access_token(self) -> "Answer":
        """What came back, once state, signature, issuer, audience, time and nonce of the identity were checked."""


def connect(app: Flask, settings: OpenId) -> Provider:
    """The provider; it is not spoken to before somebody signs in. UbamError where Authlib is not installed."""
    try:
        from authlib.integrations.flask_client import OAuth
    except ImportError:
        raise UbamError("Signing in by OpenID Connect needs Authlib: pip install 'ubam[openid]'.") from None
    made: Provider = OAuth(app).register(
        "provider", client_id=settings.client, client_secret=settings.secret,
        server_metadata_url=f"{settings.issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={"scope": "openid profile", "code_challenge_method": "S256", "timeout": 20},
    )  # fmt: skip
    return made


def person_of(session: Session, claims: Claims, role: str) -> User:
    """The person whom an identity names, by issuer and subject; somebody new gets `role`.

    A name is only shown: it never makes anybody the person of that name.
    """
    known = f"{claims['iss']} {claims['sub']}"
    if len(known) > LONGEST:
        raise UbamError("The provider names people with more letters than this server keeps; tell whoever runs it.")
    user = session.scalar(select(User).where(User.provider_id == known))
    if user is None:
        name = _free_name(session, claims)
        user = User(name=name, key=name.casefold(), role=role, provider_id=known)
        session.add(user)
        session.flush()
    return user


def _free_name(session: Session, claims: Claims) -> str:
    told = next((str(claims[name]) for name in NAME_CLAIMS if str(claims.get(name) or "").strip()), "")
    name = "".join(letter for letter in told if letter.isprintable()).strip()[:180] or "somebody"
    number, free = 1, name
    while find_user(session, free) is not None:
        number += 1
        free = f"{name} ({number})"
    return free
