"""`ubam serve`, `ubam worker` and `ubam user`: the web service on the command line."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ubam.core.errors import UbamError

if TYPE_CHECKING:
    from webui.settings import OpenId, ServerSettings

DATA = Path("ubam-data")


def service_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that server, workers and `ubam user` share."""
    options = [
        click.option("--data", type=click.Path(path_type=Path), default=DATA, show_default=True, envvar="UBAM_DATA",
                     help="The folder of everything that the service keeps; workers need the same one."),
        click.option("--database", default="", envvar="UBAM_DATABASE", metavar="URL",
                     help="postgresql://user:password@host/name, for several workers  [default: SQLite in --data]"),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def job_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a process that does jobs."""
    options = [
        click.option("--runs-at-once", type=click.IntRange(1), default=1, show_default=True,
                     envvar="UBAM_RUNS_AT_ONCE", help="Runs side by side in one worker; the same for all workers."),
        click.option("--cores", type=click.IntRange(1), envvar="UBAM_CORES",
                     help="Processes per run  [default: all cores]"),
        click.option("--job-hours", type=click.FloatRange(0.01), default=168.0, show_default=True,
                     envvar="UBAM_JOB_HOURS", help="A job that takes longer is ended."),
        click.option("--job-gib", type=click.FloatRange(0.5), default=64.0, show_default=True, envvar="UBAM_JOB_GIB",
                     help="A job that takes more memory is ended."),
        click.option("--retention-days", type=click.IntRange(0), default=0, show_default=True,
                     envvar="UBAM_RETENTION_DAYS", help="Delete studies untouched for longer; 0 keeps them."),
        click.option("--allow-folder", "folders", type=click.Path(path_type=Path, exists=True, file_okay=False),
                     multiple=True, envvar="UBAM_ALLOW_FOLDER", help="A folder whose videos and runs may be read."),
        click.option("--public-name", default="", envvar="UBAM_PUBLIC_NAME",
                     help="The host name of the TLS proxy in front."),
        click.option("--mail", default="", envvar="UBAM_MAIL", metavar="URL",
                     help="smtp://user:password@host:587: tells people when their runs end  [default: none]"),
        click.option("--mail-from", default="", envvar="UBAM_MAIL_FROM", metavar="ADDRESS",
                     help="The address that these e-mails come from."),
    ]  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, envvar="UBAM_HOST")
@click.option("--port", type=click.IntRange(0, 65535), default=8000, show_default=True, envvar="UBAM_PORT")
@click.option("--accounts", is_flag=True, envvar="UBAM_ACCOUNTS", help="People sign in; add them with `ubam user add`.")
@click.option("--without-tls", is_flag=True, help="Allow an open address without a TLS proxy in front.")
@click.option("--no-jobs", is_flag=True, envvar="UBAM_NO_JOBS", help="Leave the jobs to `ubam worker`.")
@click.option("--file-gib", type=click.FloatRange(0.001), default=64.0, show_default=True, envvar="UBAM_FILE_GIB")
@click.option("--quota-gib", type=click.FloatRange(0.001), default=500.0, show_default=True, envvar="UBAM_QUOTA_GIB",
              help="Bytes of videos that one person may keep.")  # fmt: skip
@click.option(
    "--openid-issuer",
    default="",
    envvar="UBAM_OPENID_ISSUER",
    metavar="URL",
    help="A provider of OpenID Connect at which people sign in; its secret is read from UBAM_OPENID_SECRET.",
)
@click.option(
    "--openid-client",
    default="ubam",
    show_default=True,
    envvar="UBAM_OPENID_CLIENT",
    help="Who this server is to the provider.",
)
@click.option("--openid-name", default="", envvar="UBAM_OPENID_NAME", help="How the page calls the provider.")
@click.option(
    "--openid-role",
    type=click.Choice(["viewer", "member"]),
    default="viewer",
    show_default=True,
    envvar="UBAM_OPENID_ROLE",
    help="The role of somebody who comes from there for the first time.",
)
@service_options
@job_options
def serve_command(host: str, port: int, without_tls: bool, no_jobs: bool, **options: Any) -> None:
    """The web service: upload videos in the browser, run, look at results. One person on this machine by default."""
    from webui.server.serve import serve
    from webui.settings import check_address

    check_address(host, accounts=options["accounts"], public_name=options["public_name"], without_tls=without_tls)
    serve(_settings(**options), host, port, jobs=not no_jobs, say=click.echo)


@click.command("worker")
@service_options
@job_options
def worker_command(**options: Any) -> None:
    """Do the jobs of a web service that was started with the same --data and --database, until stopped."""
    from webui.server.serve import work

    work(_settings(**options), say=click.echo)


LIMITS = {"file_gib": "file_bytes", "quota_gib": "quota_bytes", "job_gib": "job_bytes"}
PLAIN = ("database", "folders", "retention_days", "runs_at_once", "accounts", "public_name", "mail", "mail_from")


def _settings(**options: Any) -> "ServerSettings":
    """The settings of a server or worker, from what stands on its command line; all but `data` may be absent."""
    from webui.settings import GIB, Limits, ServerSettings, cores_here

    limits: dict[str, Any] = {LIMITS[name]: int(options[name] * GIB) for name in LIMITS if name in options}
    if "job_hours" in options:
        limits["job_seconds"] = options["job_hours"] * 3600
    if options.get("mail"):
        from webui.jobs.mail import check_mail

        check_mail(options["mail"], options["mail_from"])
    plain: dict[str, Any] = {name: options[name] for name in PLAIN if name in options}
    return ServerSettings(
        data=options["data"].absolute(), cores=options.get("cores") or cores_here(), limits=Limits(**limits),
        openid=_openid(options), example=True, **plain,
    )  # fmt: skip


def _openid(options: Mapping[str, Any]) -> "OpenId | None":
    """Where else people sign in; a secret on a command line could be read by everybody on the machine."""
    from webui.settings import OpenId

    if not options.get("openid_issuer"):
        return None
    if not options.get("accounts"):
        raise UbamError("--openid-issuer lets people sign in, and this server is for one person; add --accounts.")
    secret = os.environ.get("UBAM_OPENID_SECRET", "")
    return OpenId(
        options["openid_issuer"], options["openid_client"], secret, options["openid_role"], options["openid_name"]
    )


@click.group("user")
def user_group() -> None:
    """People who may sign in to `ubam serve --accounts`."""


@user_group.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice(["admin", "member", "viewer"]), default="member", show_default=True)
@click.option("--password", help="Asked for when not given; at least 10 characters.")
@service_options
def user_add(name: str, role: str, password: str | None, **options: Any) -> None:
    """Add a person."""
    from webui.access.identity import add_user

    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with _opened(**options) as session:
        add_user(session, name, password, role)
    click.echo(f"{name} may sign in as {role}.")


@user_group.command("list")
@service_options
def user_list(**options: Any) -> None:
    """Everybody, with role and whether they may sign in."""
    from sqlalchemy import select

    from webui.data.models import User

    with _opened(**options) as session:
        for user in session.scalars(select(User).order_by(User.key)):
            click.echo(f"{user.name:30} {user.role:8} {'active' if user.active else 'shut out'}")


@user_group.command("password")
@click.argument("name")
@click.option("--password", help="Asked for when not given; at least 10 characters.")
@service_options
def user_password(name: str, password: str | None, **options: Any) -> None:
    """Give a person a new password and end their sessions."""
    from webui.access.identity import set_password

    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with _opened(**options) as session:
        set_password(_known(session, name), password)
    click.echo(f"{name} has a new password.")


@user_group.command("shut-out")
@click.argument("name")
@service_options
def user_shut_out(name: str, **options: Any) -> None:
    """End a person's sessions and refuse further ones; what they own stays."""
    with _opened(**options) as session:
        user = _known(session, name)
        user.active, user.epoch = False, user.epoch + 1
    click.echo(f"{name} can no longer sign in.")


def _opened(**options: Any) -> Any:
    from webui.data.database import Database
    from webui.data.storage import Storage

    settings = _settings(**options)
    Storage(settings.data).prepare()
    database = Database(settings.database_url)
    database.migrate()
    return database.session()


def _known(session: Any, name: str) -> Any:
    from webui.access.identity import find_user

    user = find_user(session, name)
    if user is None:
        raise UbamError(f"Nobody is called '{name}'; `ubam user list` shows who there is.")
    return user
