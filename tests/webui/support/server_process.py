"""The real server or worker as a process, if asked with the stub runner.

Started by `python -m tests.webui.support.server_process JSON`.
"""

import json
import sys
from pathlib import Path

from webui.server.serve import serve, work
from webui.settings import Limits, ServerSettings


def say(text: str) -> None:
    """What the command line would print."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve or work until killed."""
    order = json.loads(sys.argv[1])
    settings = ServerSettings(
        data=Path(order["data"]), database=order.get("database", ""), cores=1,
        accounts=order.get("accounts", False), folders=tuple(Path(folder) for folder in order.get("folders", [])),
        limits=Limits(**({"reserve_bytes": 0} | order.get("limits", {}))),
        runner=order.get("runner", "tests.webui.support.stub_runner"), runs_at_once=order.get("runs_at_once", 1),
    )  # fmt: skip
    if order["do"] == "work":
        work(settings, say)
    else:
        serve(settings, "127.0.0.1", 0, jobs=order.get("jobs", True), say=say)


if __name__ == "__main__":
    main()
