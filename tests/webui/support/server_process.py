"""The real server or worker as a process, if asked with the stub runner.

Started by `python -m tests.webui.support.server_process JSON`.
"""

import json
import sys
from functools import partial
from pathlib import Path

from webui.http.security import limiter
from webui.server.serve import serve, work
from webui.settings import Limits, ServerSettings


def say(text: str, limited: bool) -> None:
    """What the command line would print, once the server is there; without `limited` anybody may ask often."""
    limiter.enabled = limited
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    """Serve or work until killed."""
    order = json.loads(sys.argv[1])
    saying = partial(say, limited=order.get("limited", True))
    settings = ServerSettings(
        data=Path(order["data"]), database=order.get("database", ""), cores=1,
        accounts=order.get("accounts", False), folders=tuple(Path(folder) for folder in order.get("folders", [])),
        limits=Limits(**({"reserve_bytes": 0} | order.get("limits", {}))),
        runner=order.get("runner", "tests.webui.support.stub_runner"), runs_at_once=order.get("runs_at_once", 1),
    )  # fmt: skip
    if order["do"] == "work":
        work(settings, saying)
    else:
        serve(settings, "127.0.0.1", 0, jobs=order.get("jobs", True), say=saying)


if __name__ == "__main__":
    main()
