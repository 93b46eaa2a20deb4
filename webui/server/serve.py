"""Running the service: waitress in front of the application, a job worker beside it or alone."""

import logging
import signal
import threading
from collections.abc import Callable
from typing import Any

import waitress
from waitress.server import BaseWSGIServer, MultiSocketServer

from webui import create_app
from webui.context import JobQueue, Service
from webui.data.database import Database
from webui.data.storage import Storage
from webui.data.upload_receiver import channels
from webui.jobs.example import prepare_example
from webui.jobs.housekeeping import empty_graves
from webui.jobs.queue import DurableQueue, JobWorker
from webui.jobs.workplace import Workplace
from webui.settings import ServerSettings

THREADS = 16
logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns of every request that waits a moment


def serve(settings: ServerSettings, host: str, port: int, *, jobs: bool, say: Callable[[str], Any]) -> None:
    """Serve until stopped; with `jobs`, do the jobs too."""
    app = create_app(settings)
    service: Service = app.extensions["ubam"]
    empty_graves(service.database, service.storage)
    place = Workplace(settings, service.database, service.storage)
    worker = _begin_work(place, service.queue) if jobs else None
    server = make_server(app, settings, host, port)
    say(f"ubam: {_address(settings, service, host, server.effective_port)}  (Ctrl-C ends it)")
    _stop_on_signal(lambda: None)
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        server.close()
        if worker is not None:
            worker.stop()


def _begin_work(place: Workplace, queue: JobQueue) -> JobWorker:
    """A worker; at the first start of a service it makes the example, beside everything else."""
    worker = JobWorker(place, queue)
    if place.settings.example:
        threading.Thread(target=prepare_example, args=(place,), name="example", daemon=True).start()
    return worker


def make_server(app: Any, settings: ServerSettings, host: str, port: int) -> BaseWSGIServer | MultiSocketServer:
    """Waitress with settings that survive hundreds of half-open connections (its defaults end at 150)."""
    server = waitress.create_server(
        app, host=host, port=port, threads=THREADS, connection_limit=1000, asyncore_use_poll=True, channel_timeout=30,
        cleanup_interval=5, recv_bytes=256 * 1024, max_request_body_size=settings.limits.largest_chunk + 1, ident=None,
        clear_untrusted_proxy_headers=False,
    )  # fmt: skip
    service: Service = app.extensions["ubam"]
    connections = channels(settings.data / "uploads", service.leases)
    for one in [server] if isinstance(server, BaseWSGIServer) else server.map.values():
        if isinstance(one, BaseWSGIServer):
            one.channel_class = connections
    return server


def _address(settings: ServerSettings, service: Service, host: str, port: int) -> str:
    if settings.public_name:
        return f"https://{settings.public_name}/"
    shown = f"[{host}]" if ":" in host else host
    if settings.accounts:
        return f"http://{shown}:{port}/"
    return f"http://{shown}:{port}/login?token={service.one_time.value}"


def work(settings: ServerSettings, say: Callable[[str], Any]) -> None:
    """Do jobs until stopped."""
    storage, database = Storage(settings.data, settings.folders), Database(settings.database_url)
    storage.prepare()
    database.migrate()
    queue = DurableQueue(settings)
    worker = _begin_work(Workplace(settings, database, storage), queue)
    stopped = threading.Event()
    _stop_on_signal(stopped.set)
    say(f"ubam worker {worker.name}: waiting for jobs  (Ctrl-C ends it; what it was doing goes on at the next start)")
    try:
        stopped.wait()
    except KeyboardInterrupt:
        pass
    finally:
        worker.stop()
        queue.close()


def _stop_on_signal(stop: Callable[[], Any]) -> None:
    """Let SIGTERM, which service managers send, end the process as Ctrl-C does."""

    def ended(number: int, frame: Any) -> None:
        stop()
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, ended)
