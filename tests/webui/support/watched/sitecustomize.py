"""Put on PYTHONPATH by tests: every process writes down which addresses it asks the system to reach."""

import os
import sys

_LOG = os.environ.get("UBAM_TEST_ADDRESSES")


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event not in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        return
    where = arguments[0] if event.startswith("socket.get") else arguments[1]
    with open(str(_LOG), "a", encoding="utf-8") as log:
        log.write(f"{event} {where!r}\n")


if _LOG:
    sys.addaudithook(_note)
