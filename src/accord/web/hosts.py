"""Names a server goes by: what ``Host`` and ``Origin`` may say, and which addresses are this machine alone."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket

from accord.base.errors import UsageError
from accord.web.settings import LOOPBACK, Settings

HTTP_PORT, HTTPS_PORT = 80, 443
_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?)(?::([1-9][0-9]{0,4}))?")
_WILDCARDS = ("0.0.0.0", "::")


class Names:
    """What a server is called.

    authorities: ``host:port`` in lower case, each of which ``Host`` may say; schemes: of origins that are its own
    """

    def __init__(self, settings: Settings) -> None:
        """Take host with its name, port, allowed hosts, TLS and proxy of the settings."""
        tls = settings.cert is not None
        self.schemes = {"https"} if tls and not settings.behind_proxy else {"http", "https"}
        if not tls and not settings.behind_proxy:
            self.schemes = {"http"}
        own = [name for name in (*LOOPBACK, settings.host, settings.name) if name and name not in _WILDCARDS]
        found = {_joined(bare(name.lower()), settings.port) for name in own}
        for name in settings.allowed_hosts:
            found |= _stated(name, settings, self._ports())
        self.authorities = frozenset(found)

    def _ports(self) -> set[int]:
        """Ports that an address without one means."""
        return {HTTPS_PORT if scheme == "https" else HTTP_PORT for scheme in self.schemes}

    def host(self, value: bytes) -> bool:
        """Whether a ``Host`` header is one of ours."""
        return any(_canonical(value, port) in self.authorities for port in self._ports())

    def origin(self, value: bytes) -> bool:
        """Whether an ``Origin`` header is one of ours; ``null`` is not."""
        scheme, mark, rest = value.lower().partition(b"://")
        name = scheme.decode("latin-1")
        if not mark or name not in self.schemes:
            return False
        return _canonical(rest, HTTPS_PORT if name == "https" else HTTP_PORT) in self.authorities


def allowed_host(text: str) -> str:
    """A name that ``--allow-host`` states, in lower case. Raises UsageError for what is none."""
    name = text.strip().lower()
    if _parts(name) is None:
        raise UsageError(f"'{text}' is no name of a host", hint="such as accord.example.org or accord.example.org:8443")
    return name


def bare(name: str) -> str:
    """A host without the brackets of an IPv6 address, which is written in its short form."""
    inside = name.removeprefix("[").removesuffix("]")
    return ipaddress.IPv6Address(inside).compressed if ":" in inside else inside


def shown(host: str) -> str:
    """A host as an address has it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def resolved(host: str) -> str:
    """The address that a host stands for, IPv4 before IPv6. Raises UsageError for one that is not found."""
    name = host.removeprefix("[").removesuffix("]")
    try:
        found = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise UsageError(f"no address is known for '{host}'", where="--host", hint="127.0.0.1 is the usual") from None
    addresses = sorted(found, key=lambda one: one[0] != socket.AF_INET)
    return str(addresses[0][4][0])


def name_of(host: str) -> str | None:
    """A host in lower case where it is a name of its own, None for an address and for ``localhost``.

    Raises UsageError for a name that no request could say.
    """
    inside = host.removeprefix("[").removesuffix("]")
    with contextlib.suppress(OSError, UnicodeError):
        socket.getaddrinfo(inside, None, flags=socket.AI_NUMERICHOST)
        return None
    name = allowed_host(host)
    return None if name in LOOPBACK else name


def is_loopback(address: str) -> bool:
    """Whether an address (no name) is this machine alone: 127.0.0.0/8 and ::1, as IPv6 writes it too."""
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = one.ipv4_mapped if isinstance(one, ipaddress.IPv6Address) else None
    return (mapped or one).is_loopback


def is_wildcard(address: str) -> bool:
    """Whether an address means every one of this machine."""
    return address in _WILDCARDS


def _stated(name: str, settings: Settings, ports: set[int]) -> set[str]:
    """What a stated host allows: its own port, else the server's and those that an address without one means."""
    parts = _parts(allowed_host(name))
    host, port = parts if parts is not None else (name, None)
    return {_joined(host, one) for one in ({settings.port, *ports} if port is None else {port})}


def _canonical(value: bytes, default_port: int) -> str | None:
    """An authority as :class:`Names` keeps it, None for a text that is none."""
    try:
        parts = _parts(value.decode("ascii").lower())
    except UnicodeDecodeError:
        return None
    return None if parts is None else _joined(parts[0], default_port if parts[1] is None else parts[1])


def _parts(text: str) -> tuple[str, int | None] | None:
    """Host and port of an authority, None for a text that is none."""
    found = _AUTHORITY.fullmatch(text)
    if found is None:
        return None
    try:
        host = bare(found[1])
    except ValueError:
        return None
    port = None if found[2] is None else int(found[2])
    return None if port is not None and port > 65535 else (host, port)


def _joined(host: str, port: int) -> str:
    return f"{shown(host)}:{port}"
