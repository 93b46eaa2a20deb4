"""Signing in and out, people, tokens, the audit log."""

import csv
import io
from typing import Any

from apiflask import APIBlueprint, abort
from flask import Response, redirect, request, session
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf
from sqlalchemy import Select, delete, func, or_, select

from ubam.core.files import guarded
from ubam.core.settings import RUN_PRESETS
from webui.access.audit_log import note
from webui.access.identity import (
    Person,
    add_user,
    admin,
    end_session,
    find_user,
    make_token,
    me,
    only_person,
    password_fits,
    set_password,
)
from webui.api.uploads import used_bytes
from webui.context import service
from webui.data.models import Job, Opened, Study, Token, User, new_id
from webui.data.session import database
from webui.http.answer_records import (
    AuditLineAnswer,
    MeAnswer,
    NewTokenAnswer,
    PersonAnswer,
    SpaceAnswer,
    TokenAnswer,
    UserAnswer,
)
from webui.http.paging import Headers, ListIn, ListRequest, Order, link_to, page_of
from webui.http.people_schemas import AuditLine, MeOut, NewTokenOut, SpaceOut, TokenOut, UserOut
from webui.http.request_records import AuditRequest, NewUserRequest, SignInRequest, TokenRequest, UserChangeRequest
from webui.http.schemas import AuditIn, SignIn, TokenIn, UserChange, UserIn, answers
from webui.http.security import identity, limiter

people = APIBlueprint("people", __name__, url_prefix="/api/v1", tag="people")
door = APIBlueprint("door", __name__, enable_openapi=False)
PAGE_LINES, MOST_LINES = 200, 100_000


@door.get("/login")
@limiter.limit("10 per minute")
def login_with_token() -> Any:
    """The address that `ubam serve` prints: opens one session of the one person; HEAD spends nothing."""
    if request.method == "HEAD":
        return "", 204
    if not service().settings.accounts and service().one_time.redeem(request.args.get("token", "")):
        user = only_person(database())
        database().commit()
        enter(user)
        return redirect("/")
    if current_user.is_authenticated:
        return redirect("/")
    note("sign-in refused")
    abort(
        403, "This address was used already or is not right; start `ubam serve` again and take the address it prints."
    )


def enter(user: User) -> None:
    """Begin a session of a person."""
    session.clear()
    session["id"] = new_id()
    login_user(Person(user))
    session.permanent = True
    note("sign-in", "user", user.id, who=user)


def _asked_name() -> str:
    given = request.get_json(silent=True)
    return str(given.get("name", ""))[:200].casefold() if isinstance(given, dict) else ""


@people.post("/session")
@people.input(SignIn, arg_name="given")
@people.output(MeOut)
@people.doc(summary="Sign in with name and password")
@limiter.limit("10 per minute")
@limiter.limit("5 per minute", key_func=lambda: f"name:{_asked_name()}")
def sign_in(given: SignInRequest) -> MeAnswer:
    """Sign in; the session is a cookie."""
    user = find_user(database(), given["name"])
    if not service().settings.accounts or not password_fits(user, given["password"]) or user is None:
        note("sign-in refused")
        abort(401, "Name and password do not match; try again, or ask an admin for a new password.")
    enter(user)
    return _me()


@people.delete("/session")
@people.output({}, status_code=204)
@people.doc(summary="Sign out")
def sign_out() -> str:
    """Sign out; every copy of the cookie becomes invalid."""
    me()
    if "id" in session:
        end_session(str(session["id"]))
    note("sign-out")
    logout_user()
    session.clear()
    return ""


@people.get("/me")
@people.output(MeOut)
@people.doc(summary="Who asks, and what is allowed here")
def who() -> MeAnswer:
    """Who asks, the CSRF token of the session, and the limits."""
    return _me()


def _me() -> MeAnswer:
    settings, limits = service().settings, service().settings.limits
    user: PersonAnswer | None = None
    if current_user.is_authenticated:
        one = me().user
        user = {"id": one.id, "name": one.name, "role": one.role, "email": one.email,
                "by_provider": bool(one.provider_id)}  # fmt: skip
    return {
        "user": user, "accounts": settings.accounts, "csrf": generate_csrf(), "presets": list(RUN_PRESETS),
        "mail": bool(settings.mail),
        "server_folders": bool(settings.folders) and user is not None, "retention_days": settings.retention_days,
        "limits": {"max_bytes": limits.file_bytes, "max_pixels": limits.pixels, "max_seconds": limits.seconds,
                   "chunk_bytes": limits.chunk_bytes, "largest_chunk_bytes": limits.largest_chunk,
                   "quota_bytes": limits.quota_bytes},
    }  # fmt: skip


@people.get("/space")
@people.output(SpaceOut)
@people.doc(summary="The space that one's videos take, one's quota, and what is free on the server")
def space() -> SpaceAnswer:
    """Bytes."""
    used = used_bytes(database(), me().id)
    limits = service().settings.limits
    free = max(0, service().storage.free_bytes() - limits.reserve_bytes)
    return {"used": used, "quota": limits.quota_bytes, "free": free}


@people.get("/users")
@people.input(ListIn, location="query", arg_name="given")
@people.output(UserOut(many=True))
@people.doc(summary="People (admins)")
def list_users(given: ListRequest) -> tuple[list[UserAnswer], int, Headers]:
    """Everybody, by name."""
    admin()
    found, headers = page_of(select(User), Order((User.key, User.id)), given)
    return [_user(user) for user in found], 200, headers


def _user(user: User) -> UserAnswer:
    studies = database().scalar(select(func.count()).select_from(Study).where(Study.owner_id == user.id))
    return {
        "id": user.id, "name": user.name, "role": user.role, "active": user.active, "created": user.created.isoformat(),
        "n_studies": studies or 0,
    }  # fmt: skip


@people.post("/users")
@people.input(UserIn, arg_name="given")
@people.output(UserOut, status_code=201)
@people.doc(summary="Add a person (admins)", responses={201: "added"})
def create_user(given: NewUserRequest) -> tuple[UserAnswer, int]:
    """Add a person."""
    admin()
    _need_accounts()
    user = add_user(database(), given["name"], given["password"], given["role"])
    database().commit()
    note("add user", "user", user.id)
    return _user(user), 201


def _need_accounts() -> None:
    if not service().settings.accounts:
        abort(409, "This server is for one person; start it with --accounts to let others sign in.")


@people.patch("/users/<string:user_id>")
@people.input(UserChange, arg_name="given")
@people.output(UserOut)
@people.doc(summary="Change a person (admins), or one's own password and e-mail")
@limiter.limit("10 per minute", key_func=identity)
def change_user(user_id: str, given: UserChangeRequest) -> UserAnswer:
    """Change role, password or access; everybody may change their own e-mail, and password by giving the old one."""
    user = _own_or_any(user_id)
    if me().role != "admin" and set(given) - {"password", "old_password", "email"}:
        abort(403, "Only an admin may change roles and access; ask one.")
    own = user.id == me().id
    if "password" in given and own and not password_fits(user, given.get("old_password", "")):
        abort(403, "The old password is not right; try again, or ask an admin for a new one.")
    if own and (given.get("active") is False or given.get("role", user.role) != user.role):
        abort(409, "You cannot take away your own access; ask another admin.")
    if "email" in given and not own:
        abort(403, "People say themselves where they are written to.")
    if "password" in given:
        set_password(user, given["password"])
    user.email = given.get("email", user.email)
    user.role, user.active = given.get("role", user.role), given.get("active", user.active)
    if given.get("active") is False:
        user.epoch += 1
    database().commit()
    note("change user", "user", user.id)
    if own and "password" in given:
        enter(user)
    return _user(user)


def _own_or_any(user_id: str) -> User:
    user = database().get(User, user_id) if user_id == me().id or me().role == "admin" else None
    if user is None:
        abort(404, "There is no such person.")
    return user


@people.delete("/users/<string:user_id>")
@people.output({}, status_code=204)
@people.doc(summary="Remove a person who owns no studies (admins)")
def delete_user(user_id: str) -> str:
    """Remove a person; their studies must be deleted or the person set inactive."""
    if me().role != "admin":
        abort(404, "There is no such person.")
    user = _own_or_any(user_id)
    if user.id == me().id:
        abort(409, "You cannot remove yourself; ask another admin.")
    owned = database().scalar(select(func.count()).select_from(Study).where(Study.owner_id == user.id))
    if owned:
        abort(
            409,
            f"{user.name} owns {owned} studies: delete these first, or set active to false.",
        )
    database().execute(delete(Job).where(Job.user_id == user.id))
    database().delete(user)
    database().commit()
    note("remove user", "user", user_id)
    return ""


@people.get("/tokens")
@people.output(TokenOut(many=True))
@people.doc(summary="One's own API tokens, without their values")
def list_tokens() -> list[TokenAnswer]:
    """One's own tokens."""
    found = database().scalars(select(Token).where(Token.user_id == me().id).order_by(Token.created))
    return [_token(token) for token in found]


def _token(token: Token) -> TokenAnswer:
    used = token.used.isoformat() if token.used else None
    ends = token.expires.isoformat() if token.expires else None
    return {
        "id": token.id, "name": token.name, "created": token.created.isoformat(), "used": used, "scope": token.scope,
        "expires": ends,
    }  # fmt: skip


@people.post("/tokens")
@people.input(TokenIn, arg_name="given")
@people.output(NewTokenOut, status_code=201)
@people.doc(summary="Make an API token; its value is shown here and never again", responses={201: "made"})
@limiter.limit("30 per hour", key_func=identity)
def create_token(given: TokenRequest) -> tuple[NewTokenAnswer, int]:
    """A new token."""
    token, value = make_token(database(), me().user, given["name"], given["scope"], given["days"])
    database().commit()
    note("make token", "token", token.id)
    return {**_token(token), "token": value}, 201


@people.delete("/tokens/<string:token_id>")
@people.output({}, status_code=204)
@people.doc(summary="Withdraw an API token")
def delete_token(token_id: str) -> str:
    """Withdraw a token."""
    token = database().get(Token, token_id)
    if token is None or token.user_id != me().id:
        abort(404, "There is no such token of yours.")
    database().delete(token)
    database().commit()
    note("withdraw token", "token", token_id)
    return ""


@people.get("/audit")
@people.input(AuditIn, location="query", arg_name="given")
@people.output(AuditLine(many=True))
@people.doc(summary="Who opened and did what (admins), newest first")
def audit(given: AuditRequest) -> tuple[list[AuditLineAnswer], int, Headers]:
    """200 lines, newest first; `after`: those older than the line of this id; `words`: of who, what or which."""
    admin()
    lines = _lines(given["words"]).limit(PAGE_LINES)
    lines = lines.where(Opened.id < given["after"]) if given["after"] else lines
    found: list[AuditLineAnswer] = [
        {"id": line.id, "at": line.at.isoformat(), "user": line.user_name, "user_id": line.user_id,
         "action": line.action, "kind": line.kind, "object_id": line.object_id, "address": line.address}
        for line in database().scalars(lines)
    ]  # fmt: skip
    return found, 200, link_to(after=found[-1]["id"]) if len(found) == PAGE_LINES else {}


def _lines(words: str) -> Select[Opened]:
    """Lines of the audit log in which words stand, newest first."""
    lines, like = select(Opened).order_by(Opened.id.desc()), f"%{words}%"
    cells = (Opened.user_name, Opened.action, Opened.kind, Opened.object_id, Opened.address)
    return lines.where(or_(*(cell.ilike(like) for cell in cells))) if words else lines


@people.get("/audit.csv")
@people.input(AuditIn, location="query", arg_name="given")
@people.doc(summary="The audit log as CSV (admins), newest first", responses=answers("text/csv"))
def audit_csv(given: AuditRequest) -> Response:
    """Every line in which the words stand, 100,000 at most."""
    admin()
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["at", "user", "action", "kind", "object_id", "address"])
    for line in database().scalars(_lines(given["words"]).limit(MOST_LINES)):
        cells = (line.user_name, line.action, line.kind, line.object_id, line.address)
        writer.writerow([line.at.isoformat(), *(guarded(cell) for cell in cells)])
    headers = {"Content-Disposition": "attachment; filename=audit.csv"}
    return Response("\ufeff" + out.getvalue(), mimetype="text/csv", headers=headers)
