"""The words of a command line come in.

The command is done by the packages below; what the user needs to know is printed, and an exit code goes out.
"""

from typing import TYPE_CHECKING

from ubam.core.faces import lazy_names

__all__ = ["Bars", "cli", "perform", "run_options"]

if TYPE_CHECKING:
    from ubam.cli.console import Bars
    from ubam.cli.main import cli
    from ubam.cli.run import perform, run_options
else:
    __getattr__, __dir__ = lazy_names(__name__, Bars="console", cli="main", perform="run", run_options="run")
