"""The shapes of what the API answers about people, their tokens and the audit log."""

from apiflask.fields import Boolean, Float, Integer, Nested, String

from webui.http.answer_schemas import Answer, texts


class PersonOut(Answer):
    """The person who asks; `by_provider`: they sign in at a provider and have no password here."""

    id, name, role, email, by_provider = String(), String(), String(), String(), Boolean()


class LimitsOut(Answer):
    """What one person and one file may take."""

    max_bytes, max_pixels, max_seconds = Integer(), Integer(), Float()
    chunk_bytes, largest_chunk_bytes, quota_bytes = Integer(), Integer(), Integer()


class MeOut(Answer):
    """Who asks (None: nobody is signed in), the CSRF token of the session, and what is allowed here.

    mail: whether this server can write e-mails.
    """

    user, accounts, csrf, mail = Nested(PersonOut, allow_none=True), Boolean(), String(), Boolean()
    presets, server_folders, retention_days, limits = texts(), Boolean(), Integer(), Nested(LimitsOut)


class SpaceOut(Answer):
    """Bytes that one's videos take, that they may take, and that are free on the server."""

    used, quota, free = Integer(), Integer(), Integer()


class UserOut(Answer):
    """A person, as an admin sees them."""

    id, name, role, active = String(), String(), String(), Boolean()
    created, n_studies = String(), Integer()


class TokenOut(Answer):
    """A key for programs, without its value."""

    id, name, created, used = String(), String(), String(), String(allow_none=True)
    scope, expires = String(), String(allow_none=True)


class NewTokenOut(TokenOut):
    """A key for programs with its value, which is shown once."""

    token = String()


class AuditLine(Answer):
    """Who did what to which thing."""

    id, at, user, user_id = Integer(), String(), String(), String()
    action, kind, object_id, address = String(), String(), String(), String()


class CommentOut(Answer):
    """What somebody said of a moment of a film, seconds of the recording."""

    id, recording_id, time_s, text = String(), String(), Float(), String()
    user, created, can_delete = String(), String(), Boolean()
