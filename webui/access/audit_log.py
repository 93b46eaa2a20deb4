"""The audit log: who did what, and when."""

from datetime import timedelta

from flask import current_app, request
from flask_login import current_user

from webui.data.models import Opened, User, now
from webui.data.session import database

OPENED_AGAIN = timedelta(minutes=10)  # a page polls; one line in the audit log per person, thing and ten minutes


def note(action: str, kind: str = "", object_id: str = "", *, often: bool = False, who: User | None = None) -> None:
    """Write a line into the audit log; `often`: an action that pages repeat is written once in ten minutes."""
    user = who or (current_user.user if current_user.is_authenticated else None)
    seen = current_app.extensions["ubam"].opened
    key = (user.id if user else "", action, object_id)
    if often and key in seen and now() - seen[key] < OPENED_AGAIN:
        return
    if len(seen) > 10_000:
        seen.clear()
    seen[key] = now()
    line = Opened(action=action, kind=kind, object_id=object_id, address=request.remote_addr or "")
    line.user_id, line.user_name = (user.id, user.name) if user else ("", "")
    database().add(line)
    database().commit()
