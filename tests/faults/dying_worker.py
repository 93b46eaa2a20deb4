"""Work that ends its worker, as the kernel does where memory runs out; light to import, for new processes."""

import os
import signal
from typing import Any


def crop_or_die(recording: Any, *_: object) -> str:
    """Give the recording's name back, or be killed over the large one."""
    if recording.recording_id == "large":
        os.kill(os.getpid(), signal.SIGKILL)
    return str(recording.recording_id)
