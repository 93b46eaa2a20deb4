"""Packages that are quick to import: their names are fetched from the modules when they are first used."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def lazy_names(package: str, /, **modules: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` for a package whose names are imported on first use (PEP 562).

    package: the package's `__name__`. modules: for every name the module that defines it, relative to the package.
    `__dir__` gives the names of the package's `__all__` and the modules of it that are imported already.
    """

    def fetch(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module '{package}' has no attribute '{name}'")
        value = getattr(import_module(f"{package}.{modules[name]}"), name)
        setattr(sys.modules[package], name, value)
        return value

    def list_names() -> list[str]:
        held = vars(sys.modules[package])
        return sorted({*held["__all__"], *(name for name in held if f"{package}.{name}" in sys.modules)})

    return fetch, list_names
