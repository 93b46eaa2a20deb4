"""What the service keeps comes in: rows, files and uploads that are still being received.

The same things go out of one data folder and one database.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Base", "Database", "Leases", "Spool", "Storage"]

if TYPE_CHECKING:
    from webui.data.database import Database
    from webui.data.models import Base
    from webui.data.storage import Storage
    from webui.data.upload_receiver import Leases, Spool
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        Base="models",
        Database="database",
        Leases="upload_receiver",
        Spool="upload_receiver",
        Storage="storage",
    )
