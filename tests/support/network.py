"""No test reaches another machine: sockets connect to this one only."""

import ipaddress
import socket
from collections.abc import Callable
from typing import Any

import pytest


def block_network(patch: pytest.MonkeyPatch) -> None:
    """Refuse every connection and look-up that leaves this machine."""
    for name in ("connect", "connect_ex"):
        patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
    patch.setattr(socket, "getaddrinfo", _looked_up(socket.getaddrinfo))


def _guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_here(str(address[0])):
            raise OSError(f"a test tried to reach {address[0]}")
        return connect(self, address)

    return guarded


def _looked_up(look_up: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(host: Any, *more: Any, **options: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name and not is_here(name):
            raise OSError(f"a test tried to look {name} up")
        return look_up(host, *more, **options)

    return guarded


def is_here(host: str) -> bool:
    """Whether a name or an address is this machine's."""
    if host in ("", "localhost", socket.gethostname()):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified
