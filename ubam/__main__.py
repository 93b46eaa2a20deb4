"""`python -m ubam` is the command `ubam`."""

from ubam.cli.main import main

main()
