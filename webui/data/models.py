"""What the service remembers: people, studies, recordings, uploads, runs, jobs, and who opened what."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, String, TypeDecorator
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from webui.data.face import face_keys


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """A fresh identifier: 32 hexadecimal digits."""
    return uuid4().hex


class Moment(TypeDecorator[datetime]):
    """A time in UTC; SQLite forgets the zone, this puts it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Give the time its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class Base(DeclarativeBase):
    """The base class of the tables."""

    type_annotation_map = {datetime: Moment, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


Identifier = String(32)


class User(Base):
    """A person: admin, member, or viewer (who may look at what is shared and start nothing).

    email: where the ends of runs are told, empty for nowhere. provider_id: who the person is to the provider of
    OpenID Connect at which they sign in, its address included; empty for a person with a password.
    """

    __tablename__ = "users"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    key: Mapped[str] = mapped_column(String(200), unique=True)  # the name in small letters
    role: Mapped[str] = mapped_column(String(16), default="member")
    password: Mapped[str] = mapped_column(String(300), default="")
    active: Mapped[bool] = mapped_column(default=True)
    email: Mapped[str] = mapped_column(String(320), default="")
    provider_id: Mapped[str] = mapped_column(String(300), default="", index=True)
    epoch: Mapped[int] = mapped_column(default=0)  # raised to end every session of this person
    created: Mapped[datetime] = mapped_column(default=now)


class Token(Base):
    """A key for programs; only its hash is kept. scope: `all` that its person may do, or `read`."""

    __tablename__ = "tokens"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    hash: Mapped[str] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(String(16), default="all")
    created: Mapped[datetime] = mapped_column(default=now)
    expires: Mapped[datetime | None]
    used: Mapped[datetime | None]
    user: Mapped[User] = relationship()


class Study(Base):
    """Recordings that are analysed together, and their owner.

    kind: `study`; `example`, at which everybody may look; or `patient`, whose recordings are visits of one person that
    are compared with the named reference `reference_id`.
    """

    __tablename__ = "studies"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(16), default="study")
    reference_id: Mapped[str | None] = mapped_column(Identifier)
    owner_id: Mapped[str] = mapped_column(ForeignKey("users.id"), index=True)
    created: Mapped[datetime] = mapped_column(default=now)
    touched: Mapped[datetime] = mapped_column(default=now, index=True)
    owner: Mapped[User] = relationship()
    members: Mapped[list["Member"]] = relationship(cascade="all, delete-orphan")
    recordings: Mapped[list["Recording"]] = relationship(
        cascade="all, delete-orphan", order_by="Recording.position", back_populates="study"
    )
    runs: Mapped[list["Run"]] = relationship(cascade="all, delete-orphan", back_populates="study")
    uploads: Mapped[list["Upload"]] = relationship(cascade="all, delete-orphan", back_populates="study")
    companions: Mapped[list["Companion"]] = relationship(
        cascade="all, delete-orphan", order_by="Companion.file_name", back_populates="study"
    )


class Member(Base):
    """With whom a study is shared: viewer or editor."""

    __tablename__ = "members"
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    user: Mapped[User] = relationship()


class Recording(Base):
    """One video of a study; its file lies under its own id, or stays in a folder that the server may read.

    given_fps: frames a second that override the file's clock. keypoints, mask: names of files of the study.
    keypoints_said: what reading the keypoints said, `ok` or why they cannot be used. extra: further columns. date: of
    the visit of a patient. face_box: where a face is; face_path where it moves, [time_s, x0, y0, x1, y1] one after the
    other.
    """

    __tablename__ = "recordings"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    position: Mapped[int]
    file_name: Mapped[str] = mapped_column(String(1000))
    outside: Mapped[str | None] = mapped_column(String(4000))
    bytes: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(default=now)
    status: Mapped[str] = mapped_column(String(16), default="probing")
    reason: Mapped[str] = mapped_column(String(2000), default="")
    warnings: Mapped[list[Any]] = mapped_column(default=list)
    fps: Mapped[float | None]
    duration_s: Mapped[float | None]
    width: Mapped[int | None]
    height: Mapped[int | None]
    frames: Mapped[int | None]
    subject: Mapped[str] = mapped_column(String(200), default="")
    group: Mapped[str] = mapped_column("group_name", String(200), default="")
    session: Mapped[str] = mapped_column(String(200), default="")
    day: Mapped[float | None]
    dose: Mapped[float | None]
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    box: Mapped[list[Any] | None]
    face_box: Mapped[list[Any] | None]
    face_path: Mapped[list[Any] | None]
    given_fps: Mapped[float | None]
    keypoints: Mapped[str] = mapped_column(String(1000), default="")
    mask: Mapped[str] = mapped_column(String(1000), default="")
    keypoints_said: Mapped[str] = mapped_column(String(2000), default="")
    date: Mapped[str] = mapped_column(String(10), default="")
    extra: Mapped[dict[str, str]] = mapped_column(JSON, default=dict)
    study: Mapped[Study] = relationship(back_populates="recordings")

    @property
    def face(self) -> list[list[float]]:
        """Where a face is that nobody may see, as `face_keys` has it."""
        return face_keys(self.face_box, self.face_path)


class Companion(Base):
    """A file that goes with recordings of a study: their `keypoints` or `mask`."""

    __tablename__ = "companions"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    file_name: Mapped[str] = mapped_column(String(1000))
    bytes: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(default=now)
    study: Mapped[Study] = relationship(back_populates="companions")


class Upload(Base):
    """A file on its way; how much of it has come is the size of what lies on disk."""

    __tablename__ = "uploads"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    file_name: Mapped[str] = mapped_column(String(1000))
    guesses: Mapped[dict[str, Any]] = mapped_column(default=dict)
    length: Mapped[int] = mapped_column(BigInteger)
    created: Mapped[datetime] = mapped_column(default=now)
    recording_id: Mapped[str | None] = mapped_column(Identifier)
    study: Mapped[Study] = relationship(back_populates="uploads")


class Job(Base):
    """One piece of queued work: a run, a clip, a probe or a playable copy; `target_id` says of what."""

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))
    target_id: Mapped[str] = mapped_column(Identifier, index=True)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[str] = mapped_column(Identifier, index=True)
    status: Mapped[str] = mapped_column(String(16), default="queued", index=True)
    error: Mapped[str] = mapped_column(String(2000), default="")
    priority: Mapped[int] = mapped_column(default=1)
    worker: Mapped[str] = mapped_column(String(200), default="")
    attempts: Mapped[int] = mapped_column(default=0)
    created: Mapped[datetime] = mapped_column(default=now)
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]


class Run(Base):
    """One analysis of a study; `folder` is set when it was made elsewhere and only opened here.

    posture, plan and block are options of `ubam run`; None leaves them to it.
    `recordings` maps the names inside the run to what they were made of: {name: {id, file_name, face_box, ...}}.
    """

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    study_id: Mapped[str] = mapped_column(ForeignKey("studies.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str | None] = mapped_column(Identifier)
    name: Mapped[str] = mapped_column(String(200))
    reference: Mapped[str | None] = mapped_column(String(200))
    preset: Mapped[str] = mapped_column(String(32))
    seed: Mapped[int] = mapped_column(default=0)
    posture: Mapped[str | None] = mapped_column(String(16))
    plan: Mapped[str | None] = mapped_column(String(16))
    block: Mapped[str | None] = mapped_column(String(200))
    against_id: Mapped[str | None] = mapped_column(Identifier)
    folder: Mapped[str | None] = mapped_column(String(4000))
    recordings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    user_id: Mapped[str] = mapped_column(Identifier)
    created: Mapped[datetime] = mapped_column(default=now)
    study: Mapped[Study] = relationship(back_populates="runs")
    clips: Mapped[list["Clip"]] = relationship(cascade="all, delete-orphan", back_populates="run")
    comments: Mapped[list["Comment"]] = relationship(cascade="all, delete-orphan", back_populates="run")


class NamedReference(Base):
    """The frozen reference of a run under a name; `version` stands for all that decides a score by it."""

    __tablename__ = "named_references"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(200))
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    version: Mapped[str] = mapped_column(String(64))
    group: Mapped[str] = mapped_column("group_name", String(200))
    subjects: Mapped[int]
    created: Mapped[datetime] = mapped_column(default=now)
    run: Mapped[Run] = relationship()


class Clip(Base):
    """A magnified clip that somebody asked for; `appearance`: the recording whose pixels it has, None: its own."""

    __tablename__ = "clips"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    job_id: Mapped[str | None] = mapped_column(Identifier)
    recording: Mapped[str] = mapped_column(String(200))
    factor: Mapped[float]
    layout: Mapped[str] = mapped_column(String(16))
    appearance: Mapped[str | None] = mapped_column(String(200))
    from_s: Mapped[float | None]
    to_s: Mapped[float | None]
    created: Mapped[datetime] = mapped_column(default=now)
    run: Mapped[Run] = relationship(back_populates="clips")


class Comment(Base):
    """What somebody said of a moment of a film; `recording` is its name in the run."""

    __tablename__ = "comments"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id", ondelete="CASCADE"), index=True)
    recording: Mapped[str] = mapped_column(String(200))
    time_s: Mapped[float]
    text: Mapped[str] = mapped_column(String(2000))
    user_id: Mapped[str] = mapped_column(Identifier)
    user_name: Mapped[str] = mapped_column(String(200))
    created: Mapped[datetime] = mapped_column(default=now)
    run: Mapped[Run] = relationship(back_populates="comments")


class Ended(Base):
    """A session that somebody signed out of: its cookie is signed and stays right, so this is where it ends."""

    __tablename__ = "ended_sessions"
    id: Mapped[str] = mapped_column(Identifier, primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)


class Worker(Base):
    """A process that does jobs, and when it last said so."""

    __tablename__ = "workers"
    id: Mapped[str] = mapped_column(String(200), primary_key=True)
    seen: Mapped[datetime]


class Opened(Base):
    """The audit log: who did what to which thing, without names of studies, files or subjects."""

    __tablename__ = "audit"
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(default=now, index=True)
    user_id: Mapped[str] = mapped_column(String(32), default="")
    user_name: Mapped[str] = mapped_column(String(200), default="")
    action: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32), default="")
    object_id: Mapped[str] = mapped_column(String(32), default="")
    address: Mapped[str] = mapped_column(String(64), default="")
