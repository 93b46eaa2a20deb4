"""Settings of one server: where its data lies, who may reach it, and the limits that keep it standing."""

import ipaddress
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from ubam.core.errors import UbamError

MIB = 1024**2
GIB = 1024**3
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")


@dataclass(frozen=True)
class Limits:
    """What one person, one file and one job may take."""

    file_bytes: int = 64 * GIB
    quota_bytes: int = 500 * GIB
    reserve_bytes: int = 1 * GIB
    chunk_bytes: int = 8 * MIB
    body_bytes: int = 2 * MIB
    pixels: int = 8192 * 4608
    seconds: float = 48 * 3600.0
    recordings: int = 2000
    probe_seconds: float = 120.0
    probe_bytes: int = 3 * GIB
    job_seconds: float = 7 * 24 * 3600.0
    job_bytes: int = 64 * GIB
    queued_runs: int = 20

    @property
    def largest_chunk(self) -> int:
        """Bytes of the largest piece of an upload; a page begins with `chunk_bytes` and grows on a fast line."""
        return 4 * self.chunk_bytes


def cores_here() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class OpenId:
    """A provider of OpenID Connect at which people sign in: its address, who this server is to it, and its secret.

    role: of somebody who comes for the first time. shown: how the provider is called on the page of signing in.
    """

    issuer: str
    client: str
    secret: str = field(default="", repr=False)
    role: str = "viewer"
    shown: str = ""

    @property
    def name(self) -> str:
        """How the provider is called on the page of signing in."""
        return self.shown or urlsplit(self.issuer).netloc


@dataclass(frozen=True)
class ServerSettings:
    """How one server or worker was started.

    data: folder of everything that the service keeps; database: SQLAlchemy URL (empty: SQLite in `data`); accounts:
    whether people sign in; public_name: the host name behind the TLS proxy (empty: no proxy, 127.0.0.1 only); folders:
    folders that may be read for recordings and runs; retention_days: studies untouched for longer are deleted (0: no
    study is); runs_at_once and cores: heavy jobs side by side and the processes that each may use; runner: the module
    that a job's child process executes; example: whether the example study is made at the first start; mail and
    mail_from: the mail server (smtp://...) by which ends of runs are told, and from whom (empty: they are not); openid:
    where else people sign in.
    """

    data: Path
    database: str = ""
    accounts: bool = False
    public_name: str = ""
    folders: tuple[Path, ...] = ()
    retention_days: int = 0
    runs_at_once: int = 1
    cores: int = field(default_factory=lambda: cores_here())
    limits: Limits = field(default_factory=Limits)
    runner: str = "webui.jobs.analysis_process"
    example: bool = False
    mail: str = field(default="", repr=False)
    mail_from: str = ""
    openid: OpenId | None = None

    @property
    def database_url(self) -> str:
        """The URL that SQLAlchemy takes; PostgreSQL is spoken to through psycopg."""
        url = self.database or f"sqlite:///{self.data.absolute() / 'ubam.sqlite'}"
        return url.replace("postgresql://", "postgresql+psycopg://", 1).replace(
            "postgres://", "postgresql+psycopg://", 1
        )

    @property
    def queue_url(self) -> str:
        """The URL of the durable queue: the same PostgreSQL database, or an SQLite file of its own."""
        if self.database_url.startswith("sqlite"):
            return f"sqlite:///{self.data.absolute() / 'jobs.sqlite'}"
        return self.database_url

    @property
    def secure(self) -> bool:
        """Whether a proxy in front speaks TLS, so that cookies may be marked so."""
        return bool(self.public_name)


def secret_key(data: Path) -> bytes:
    """The key that signs sessions: made at the first start, readable by its owner only."""
    path = data / "key"
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(secrets.token_bytes(32))
    except FileExistsError:
        if path.stat().st_mode & 0o077:
            raise UbamError(
                f"{path} can be read by others, and who reads it can sign in as anybody; run: chmod 600 {path}"
            ) from None
    key = path.read_bytes()
    if len(key) < 32:
        raise UbamError(f"{path} is cut short; remove it, and everybody signs in again.")
    return key


def check_address(host: str, *, accounts: bool, public_name: str, without_tls: bool) -> None:
    """Refuse an address that others can reach unless people sign in and a proxy in front speaks TLS."""
    try:
        local = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        local = False
    if local:
        return
    if not accounts:
        raise UbamError(f"{host} can be reached by others, so people must sign in; start with --accounts.")
    if not public_name and not without_tls:
        raise UbamError(
            f"{host} can be reached by others and passwords would travel unprotected; put a TLS proxy in front and "
            "give its name with --public-name, or say --without-tls if the network itself is trusted."
        )
