"""The command line: `ubam --help`. Exit code 2 is for what the user can correct, 1 for faults of ubam."""

import errno
import signal
import sys
import threading
import traceback

import click

from ubam.cli.benchmark import benchmark_command
from ubam.cli.doctor import doctor
from ubam.cli.export import export_command
from ubam.cli.magnify import magnify_command
from ubam.cli.pretrain import pretrain_command
from ubam.cli.run import STAGE_COMMANDS, demo, run_command
from ubam.cli.score import neighbours_command, score_command
from ubam.cli.study import check, init, synthesise
from ubam.cli.web import serve_command, user_group, worker_command
from ubam.core.errors import UbamError

ENVIRONMENT_ERRORS = {
    errno.ENOSPC: "free some space, or put --out on another disk",
    errno.EDQUOT: "your quota is used up; free some space, or put --out elsewhere",
    errno.EACCES: "you may not read or write there; change its permissions or choose another folder",
    errno.ENOTDIR: "there is a file where a folder should be; choose another --out",
    errno.EEXIST: "there is a file where a folder should be; choose another --out",
    errno.EROFS: "that disk cannot be written; choose another folder with --out",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="ubam")
def cli() -> None:
    """Learn behaviour from video alone, and find and magnify what deviates from normal.

    The networks learn postures and behaviours without labels. Each subject gets a score for its distance from a
    reference group, and a clip that magnifies the difference.
    """


for _command in (
    demo, init, check, run_command, *STAGE_COMMANDS, score_command, magnify_command, neighbours_command, synthesise,
    benchmark_command, pretrain_command, export_command, serve_command, worker_command, user_group, doctor,
):  # fmt: skip
    cli.add_command(_command)


def main() -> None:
    """Entry point of the `ubam` command."""
    _stop_on_signals()
    try:
        cli(standalone_mode=False)
    except UbamError as error:
        click.secho(f"ubam: {error}", fg="red", err=True)
        sys.exit(2)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped. The same command continues from here.", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except OSError as error:
        if error.errno not in ENVIRONMENT_ERRORS:
            _end_with_fault()
        click.secho(f"ubam: {_environment_words(error)}", fg="red", err=True)
        sys.exit(2)
    except Exception:
        _end_with_fault()


def _stop_on_signals() -> None:
    """Let SIGTERM, and SIGHUP of a terminal that is closed, stop a command as Ctrl-C does; `nohup` stays as it is."""

    def stop(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, stop)


def _environment_words(error: OSError) -> str:
    place = f" ({error.filename})" if error.filename else ""
    return f"{error.strerror}{place}: {ENVIRONMENT_ERRORS[error.errno or 0]}; the same command continues from here."


def _end_with_fault() -> None:
    traceback.print_exc()
    text = "ubam: this is a fault of ubam, not of your input; please report the lines above."
    click.secho(text, fg="red", err=True)
    sys.exit(1)
