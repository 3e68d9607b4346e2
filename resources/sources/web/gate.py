"""The gate: which addresses of the network a source may be read from (against SSRF).

Private, loopback, link-local and reserved addresses are refused, in whatever form they are
written, unless DATAOPS_HTTP_ALLOW names them; so is plain http. What connects asks here with the
address that it then connects to, so that a name cannot mean something else a moment later.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from resources.addresses import origin_of, shown
from resources.errors import SettingError, SourceError, TransientError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
SETTING: Final = "DATAOPS_HTTP_ALLOW"
_NUMBER: Final = re.compile(r"(0[xX][0-9a-fA-F]*|\d+)")
_REFUSED: Final = tuple(
    ipaddress.ip_network(net)
    for net in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
        *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
        *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3"),
        *(
            "::/96",
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "100::/64",
            "2001::/23",
            "2001:db8::/32",
            "3fff::/20",
        ),
        *("5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8"),
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open internet, also one packed into another."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
    if any(address.version == net.version and address in net for net in _REFUSED):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def plain_host(host: str) -> str:
    """Give a host as it is looked up; raises SourceError for numbers in disguise."""
    host = host.lower().removesuffix(".")
    last = host.rpartition(".")[2]
    if ":" not in host and _NUMBER.fullmatch(last):
        try:
            ipaddress.IPv4Address(host)  # takes the usual form only: no octal, no hex, four parts
        except ValueError:
            raise SourceError(
                f"the host {host!r} is an address in an unusual form",
                "write it as four numbers, like 192.0.2.1, or by name",
            ) from None
    return host


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may be connected to beside the open internet. hosts: (name, port); port 0 is any."""

    hosts: frozenset[tuple[str, int]] = frozenset()
    networks: tuple[Network, ...] = ()

    def check(self, url: str) -> None:
        """Refuse a URL whose scheme or host is not for sources; raises SourceError."""
        try:
            parts = urlsplit(url)
            host, port = plain_host(parts.hostname or ""), parts.port
        except ValueError:
            host, port, parts = "", None, urlsplit("")
        if parts.scheme not in ("http", "https") or not host:
            raise SourceError(
                f"{shown(url)} is not an address to read from", "use one that begins with https://"
            )
        if parts.scheme == "http" and not self._may_be_plain(host, port or 80):
            raise SourceError(
                f"{shown(url)} would be read unencrypted",
                f"use https, or allow that host: {SETTING}={host}:{port or 80}",
                setting=SETTING,
            )

    def is_inside(self, url: str) -> bool:
        """Tell whether a URL is one that only the setting allows."""
        _, host, port = origin_of(url)
        if self._is_named(plain_host(host), port):
            return True
        if not self.networks:
            return False
        return any(self._is_within(_parsed(text)) for text in self.addresses(host, port))

    def addresses(self, host: str, port: int) -> list[str]:
        """Look a host up, and give its addresses if each of them may be connected to."""
        host = plain_host(host)
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise TransientError(
                f"the host {host!r} is not found ({getattr(error, 'strerror', '') or error})",
                "correct source=, or look at this machine's network",
                host=host,
            ) from None
        texts = list(dict.fromkeys(str(one[4][0]) for one in found))
        for text in texts:
            if not self._may(host, port, _parsed(text)):
                raise SourceError(
                    f"the host {host!r} is {text}, an address inside a network",
                    "sources are read from the open internet; if this one is meant, set "
                    f"{SETTING}={host}:{port} (or a network, like 10.1.0.0/16)",
                    setting=SETTING,
                    host=host,
                )
        return texts

    def _may_be_plain(self, host: str, port: int) -> bool:
        """Tell whether plain http is allowed: to a named host, or within a named network."""
        if self._is_named(host, port):
            return True
        if not self.networks:
            return False
        return all(self._is_within(_parsed(text)) for text in self.addresses(host, port))

    def _may(self, host: str, port: int, address: Address) -> bool:
        """Tell whether an address may be connected to."""
        return is_public(address) or self._is_named(host, port) or self._is_within(address)

    def _is_named(self, host: str, port: int) -> bool:
        """Tell whether the setting names the host."""
        return not self.hosts.isdisjoint({(host, port), (host, 0)})

    def _is_within(self, address: Address) -> bool:
        """Tell whether the setting names a network with the address in it."""
        inner = getattr(address, "ipv4_mapped", None) or address
        return any(inner.version == net.version and inner in net for net in self.networks)


def gate_of(setting: str) -> Gate:
    """Read DATAOPS_HTTP_ALLOW: hosts, host:port and networks, between commas or spaces."""
    hosts: set[tuple[str, int]] = set()
    networks: list[Network] = []
    for entry in _entries(setting):
        if "/" in entry:
            try:
                networks.append(ipaddress.ip_network(entry, strict=False))
            except ValueError:
                raise _bad(entry) from None
            continue
        try:
            parts = urlsplit(
                f"//{entry}" if entry.count(":") < 2 or "[" in entry else f"//[{entry}]"
            )
            host, port = parts.hostname or "", parts.port or 0
        except ValueError:
            raise _bad(entry) from None
        if not host or parts.path or "@" in entry or "*" in entry:
            raise _bad(entry)
        hosts.add((host, port))
    return Gate(frozenset(hosts), tuple(networks))


def _entries(setting: str) -> Iterable[str]:
    """Split the setting."""
    return (entry for entry in re.split(r"[,\s]+", setting.strip().lower()) if entry)


def _bad(entry: str) -> SettingError:
    """Say which entry cannot be read."""
    return SettingError(
        f"{SETTING} has {entry!r} in it",
        "write hosts (api.example.com:8080) or networks (10.1.0.0/16), with commas between",
        setting=SETTING,
    )


def _parsed(text: str) -> Address:
    """Read an address as the system writes it, maybe with a zone."""
    return ipaddress.ip_address(text.partition("%")[0])
