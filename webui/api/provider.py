"""The way to the provider of OpenID Connect and back."""

from typing import Any

from apiflask import APIBlueprint, abort
from flask import current_app, redirect, request, session, url_for

from webui.access.audit_log import note
from webui.access.openid import Provider, person_of
from webui.api.people import enter
from webui.context import service
from webui.data.session import database
from webui.http.security import limiter

provider = APIBlueprint("provider", __name__, enable_openapi=False)
AWAY = "The provider at which one signs in does not answer; try again in a while."


def _client() -> Provider:
    found: Provider | None = current_app.extensions.get("openid")
    if found is None:
        abort(404, "This server knows no provider at which one could sign in.")
    return found


@provider.get("/sign-in/provider")
@limiter.limit("20 per minute")
def go_to_provider() -> Any:
    """Off to the provider; `next` is where the person wanted to go here."""
    client = _client()
    from requests import RequestException  # of the extra, as Authlib is

    session["next"] = _own_place(request.args.get("next", "/"))
    try:
        return client.authorize_redirect(url_for("provider.come_back", _external=True))
    except RequestException:
        abort(503, AWAY)


@provider.get("/sign-in/return")
@limiter.limit("20 per minute")
def come_back() -> Any:
    """Back from the provider with a code, which is exchanged for who it is."""
    client, openid = _client(), service().settings.openid
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError
    from requests import RequestException

    try:
        claims = client.authorize_access_token().get("userinfo") or {}
    except (AuthlibBaseError, JoseError) as error:
        note("sign-in refused")
        abort(403, f"The provider did not say who you are ({error}); try again.")
    except RequestException:
        abort(503, AWAY)
    if openid is None or not claims.get("sub"):
        abort(403, "The provider did not say who you are; try again.")
    user = person_of(database(), claims, openid.role)
    database().commit()
    if not user.active:
        note("sign-in refused", "user", user.id)
        abort(403, "You are shut out of this server; ask an admin.")
    wanted = _own_place(session.get("next", "/"))
    enter(user)
    return redirect(wanted)


def _own_place(address: str) -> str:
    """A page of this server; any other address becomes the first page."""
    plain = address.startswith("/") and not address.startswith("//") and "\\" not in address and address.isprintable()
    return address if plain else "/"
