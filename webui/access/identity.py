"""Who makes a request, and what they own: sign-in, tokens, roles. Every object is fetched through its owner."""

import hashlib
import hmac
import secrets
from contextlib import suppress
from datetime import timedelta

from apiflask import abort
from flask import Flask, Request, current_app, g, request, session
from flask_login import LoginManager, current_user
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.security import check_password_hash, generate_password_hash

from ubam.core.errors import UbamError
from webui.data.models import Ended, Token, User, now
from webui.data.session import close_database, database

ROLES = ("admin", "member", "viewer")
TOKEN_START = "ubam_"  # noqa: S105 - no secret
ME = "you"  # the one person of a server without accounts
ABSENT_PASSWORD = generate_password_hash(secrets.token_hex(8))  # so that an unknown name takes as long as a known one


class Person:
    """Flask-Login's view of a user."""

    is_authenticated = True
    is_anonymous = False

    def __init__(self, user: User) -> None:
        self.user = user
        self.id, self.name, self.role, self.is_active = user.id, user.name, user.role, user.active

    def get_id(self) -> str:
        """What the session cookie holds; raising the epoch ends all sessions."""
        return f"{self.user.id}:{self.user.epoch}"


def install(app: Flask) -> None:
    """Teach the app to know people by cookie or token."""
    manager = LoginManager(app)
    manager.login_view = "pages.sign_in"
    manager.login_message = ""
    manager.session_protection = None  # addresses change behind phones and proxies; the cookie is HttpOnly and signed
    manager.user_loader(_from_cookie)
    manager.request_loader(_from_token)
    app.teardown_appcontext(close_database)


def _from_cookie(value: str) -> Person | None:
    if "Authorization" in request.headers:
        return None  # a request with a token is judged by the token alone
    if "id" not in session or database().get(Ended, str(session["id"])) is not None:
        return None
    user_id, _, epoch = value.partition(":")
    user = database().get(User, user_id)
    return Person(user) if user is not None and user.active and str(user.epoch) == epoch else None


def end_session(identifier: str) -> None:
    """Remember a session that was signed out of, for as long as its cookie would be valid."""
    lasts = current_app.permanent_session_lifetime
    database().execute(delete(Ended).where(Ended.at < now() - lasts))
    database().merge(Ended(id=identifier))
    database().commit()


def _from_token(asked: Request) -> Person | None:
    scheme, _, value = asked.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() != "bearer" or not value.startswith(TOKEN_START):
        return None
    token = database().scalar(select(Token).where(Token.hash == hash_token(value)))
    if token is None or not token.user.active or (token.expires is not None and token.expires < now()):
        return None
    if token.used is None or now() - token.used > timedelta(minutes=1):
        token.used = now()
        database().commit()
    g.by_token, g.reads_only = True, token.scope == "read"
    return Person(token.user)


def hash_token(value: str) -> str:
    """What is kept of a token: it has 256 random bits, so one SHA-256 is enough."""
    return hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()


def make_token(
    session: Session, user: User, name: str, scope: str = "all", days: int | None = None
) -> tuple[Token, str]:
    """A new token and its value, which is shown once and never stored; it ends after `days`, or never."""
    value = TOKEN_START + secrets.token_urlsafe(32)
    token = Token(user_id=user.id, name=name, hash=hash_token(value), scope=scope)
    token.expires = now() + timedelta(days=days) if days else None
    session.add(token)
    return token, value


def add_user(session: Session, name: str, password: str, role: str = "member") -> User:
    """A new person; UbamError for a name that is taken, an unknown role or a short password."""
    if role not in ROLES:
        raise UbamError(f"There is no role '{role}'; choose one of {', '.join(ROLES)}.")
    if find_user(session, name) is not None:
        raise UbamError(f"There is a user '{name}' already; choose another name.")
    user = User(name=name, key=name.casefold(), role=role)
    set_password(user, password)
    session.add(user)
    session.flush()
    return user


def set_password(user: User, password: str) -> None:
    """Give a new password and end all sessions; UbamError when it is too short to hold."""
    if len(password) < 10:
        raise UbamError("The password has fewer than 10 characters; take a longer one, a sentence for example.")
    user.password = generate_password_hash(password)
    user.epoch = (user.epoch or 0) + 1


def find_user(session: Session, name: str) -> User | None:
    """The person of this name, capitals aside."""
    return session.scalar(select(User).where(User.key == name.casefold()))


def password_fits(user: User | None, password: str) -> bool:
    """Whether name and password match; it takes as long for an unknown name."""
    stored = user.password if user is not None and user.password else ABSENT_PASSWORD
    return check_password_hash(stored, password) and user is not None and user.active and bool(user.password)


def only_person(session: Session) -> User:
    """The one person of a server without accounts, made by who asks first: the first visit or the example study."""
    if find_user(session, ME) is None:
        with suppress(IntegrityError), session.begin_nested():
            session.add(User(name=ME, key=ME, role="admin"))
    return session.scalars(select(User).where(User.key == ME)).one()


class OneTime:
    """The token in the address that `ubam serve` prints; it opens one session."""

    def __init__(self) -> None:
        self.value = secrets.token_urlsafe(24)
        self.spent = False

    def redeem(self, value: str) -> bool:
        """Whether this is the token and nobody used it before."""
        if self.spent or not hmac.compare_digest(self.value.encode(), value.encode("utf-8", "replace")):
            return False
        self.spent = True
        return True


def me() -> Person:
    """The person who makes the request; 401 without one."""
    if not current_user.is_authenticated:
        abort(401, "Sign in first, or send a token: Authorization: Bearer ubam_...")
    person: Person = current_user._get_current_object()
    return person


def admin() -> Person:
    """The person who makes the request, if an admin; 403 otherwise."""
    person = me()
    if person.role != "admin":
        abort(403, "Only an admin may do this; ask one.")
    return person
