"""A request comes in with a password, a session or a token.

The person, what they may see, and a line in the audit log go out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Person", "add_user", "find_user", "note", "recording_of", "run_of", "set_password", "study_of"]

if TYPE_CHECKING:
    from webui.access.audit_log import note
    from webui.access.identity import Person, add_user, find_user, set_password
    from webui.access.permissions import recording_of, run_of, study_of
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Person="identity",
        add_user="identity",
        find_user="identity",
        note="audit_log",
        recording_of="permissions",
        run_of="permissions",
        set_password="identity",  # noqa: S106 - no password, a module
        study_of="permissions",
    )
