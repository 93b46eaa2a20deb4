"""What a job finds around it: settings, database, storage."""

import threading
from dataclasses import dataclass, field

from webui.data.database import Database
from webui.data.storage import Storage
from webui.settings import ServerSettings

HOUSEKEEPING_S = 3600.0


@dataclass
class Workplace:
    """What jobs need; `stopping` is set when this worker is asked to end, so that its jobs continue elsewhere."""

    settings: ServerSettings
    database: Database
    storage: Storage
    name: str = ""
    stopping: threading.Event = field(default_factory=threading.Event)
    kept_house: float = -HOUSEKEEPING_S
