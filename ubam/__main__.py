"""`python -m ubam` is the command `ubam`."""

from ubam.cli import main

main()
