"""The gate: no source reads from inside a network, in whatever form its address is written."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.addresses import check_source, origin_of, shown, sounds_secret
from resources.errors import DataOpsError, SettingError, SourceError, TransientError
from resources.sources.web.asking import Asker
from resources.sources.web.gate import Gate, gate_of, is_public, plain_host
from resources.sources.web.wire import Wire
from tests.resources.sources.web.conftest import Reading
from tests.web_server import Reply

INSIDE = [
    "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "127.255.255.254", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.168.1.1", "192.0.0.1", "192.0.2.1", "192.88.99.1",
    "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
    "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1",
    "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1",
    "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001:0:7f00:1::", "2001:db8::1", "fc00::1", "fd12::1",
    "fe80::1", "fec0::1", "ff02::1", "100::1",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "172.32.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8",
           "64:ff9b::808:808", "2002:808:808::1"]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_inside(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_outside(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=4))
def test_an_address_is_what_it_is_in_every_form(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    forms = [
        ipaddress.IPv6Address((0xFFFF << 32) | number),
        ipaddress.IPv6Address((0x64FF9B << 96) | number),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert {is_public(form) for form in forms} == {is_public(address)}
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        assert not is_public(address)


@settings(max_examples=300, deadline=None)
@given(st.ip_addresses(v=6))
def test_nothing_private_is_public(address: ipaddress.IPv6Address) -> None:
    if address.is_private or address.is_link_local or address.is_multicast or address.is_reserved:
        packed = address.ipv4_mapped or address.sixtofour or int(address) >> 32 == 0x64FF9B << 64
        assert packed or not is_public(address)


@pytest.mark.parametrize(
    "host", ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "1.2.3",
             "127.0.0.0x1", "1.2.3.4.5", "256.1.1.1", "127.0.0.01", "localhost.0x7f"]
)  # fmt: skip
def test_numbers_in_disguise_are_refused(host: str) -> None:
    with pytest.raises(SourceError, match="unusual form"):
        plain_host(host)
    with pytest.raises(SourceError, match="unusual form"):
        gate_of("").addresses(host, 443)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(["{}", "0x{:x}", "0{:o}"]))
def test_whole_numbers_are_no_hosts(number: int, form: str) -> None:
    with pytest.raises(SourceError):
        plain_host(form.format(number))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST.", "::1", "0.0.0.0"])
def test_this_machine_is_refused_unless_it_is_allowed(host: str) -> None:
    with pytest.raises(SourceError, match="inside a network.*DATAOPS_HTTP_ALLOW="):
        gate_of("").addresses(host, 8080)
    allowed = gate_of(f"[{host}]:8080" if ":" in host else f"{host.lower().strip('.')}:8080")
    assert allowed.addresses(host, 8080)
    with pytest.raises(SourceError):
        allowed.addresses(host, 8081)


def test_what_may_be_allowed() -> None:
    gate = gate_of(" Reviews.internal:8080, 10.1.0.0/16\n[::1]:80 ::1 fd00::/8 plain,, ")
    assert gate.hosts == {("reviews.internal", 8080), ("::1", 80), ("::1", 0), ("plain", 0)}
    assert [str(net) for net in gate.networks] == ["10.1.0.0/16", "fd00::/8"]
    assert gate_of("127.0.0.0/8").addresses("127.0.0.1", 1) == ["127.0.0.1"]
    for wrong in ("10.1/33", "host:port", "user@host", "*.internal", "https://host", "h:70000"):
        with pytest.raises(SettingError, match="DATAOPS_HTTP_ALLOW has"):
            gate_of(wrong)


def test_only_https_unless_the_host_is_allowed() -> None:
    gate = gate_of("plain.example:80")
    gate.check("https://anything.example/x?y=1")
    gate.check("http://plain.example/x")
    with pytest.raises(
        SourceError, match="read unencrypted.*DATAOPS_HTTP_ALLOW=plain.example:8080"
    ):
        gate.check("http://plain.example:8080/")
    for wrong in (
        "ftp://h/",
        "file:///etc/passwd",
        "gopher://h",
        "https://",
        "//h/x",
        "javascript:1",
    ):
        with pytest.raises(SourceError, match="not an address to read from|unusual"):
            gate.check(wrong)


@settings(max_examples=200, deadline=None)
@given(
    st.text(max_size=40) | st.from_regex(r"https?://[a-z0-9:@\[\]%.#?/\\-]{0,25}", fullmatch=True)
)
def test_no_url_crashes_anything(url: str) -> None:
    for look in (Gate().check, check_source):
        with suppress(DataOpsError):
            look(url)
    assert isinstance(shown(url), str)


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://user:pass@h:81/x?y=1#z", "https://h:81/x?y=1"),
        ("https://h/?api_key=K&page=2&X-Amz-Signature=S", "https://h/?api_key=***&page=2&X-Amz-Signature=***"),
        ("https://h/?accessToken=T&page_token=P&apikey=A", "https://h/?accessToken=***&page_token=P&apikey=***"),
        ("https://[::1]:8/", "https://[::1]:8/"),
        ("https://h:port/", "(no web address)"),
    ],
)  # fmt: skip
def test_what_is_shown_of_an_address(url: str, safe: str) -> None:
    assert shown(url) == safe


def test_names_that_sound_secret() -> None:
    assert all(
        map(sounds_secret, ["token", "access_token", "X-Api-Key", "apiKey", "sig", "PASSWORD"])
    )
    assert not any(
        map(sounds_secret, ["page", "page_token", "keyword", "author", "sort_key", "id"])
    )
    assert origin_of("HTTPS://Host./x") == ("https", "host", 443)


def test_one_inside_address_among_others_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    _resolve(monkeypatch, "8.8.8.8", "127.0.0.1")
    with pytest.raises(SourceError, match=r"'two\.example' is 127\.0\.0\.1"):
        gate_of("").addresses("two.example", 443)


def test_a_name_that_nobody_knows_may_be_known_later() -> None:
    with pytest.raises(TransientError, match="is not found"):
        gate_of("").addresses("no-such-host.invalid", 443)


def _resolve(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> list[str]:
    """Let every name mean these addresses; give what was looked up."""
    asked: list[str] = []

    def look_up(host: str, port: int, *_: Any, **__: Any) -> list[Any]:
        asked.append(host)
        kind = socket.SOCK_STREAM
        return [(socket.AF_INET, kind, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr("resources.sources.web.gate.socket.getaddrinfo", look_up)
    return asked


def test_the_connection_goes_to_the_address_that_was_checked(
    web: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = web.server.port
    web.server.on("/v1", [{"a": 1}])
    web.web = _allowing(web, f"reviews.test:{port}")
    asked = _resolve(monkeypatch, "127.0.0.1")
    assert web.rows(f"http://reviews.test:{port}/v1") == [{"a": 1}]
    assert web.server.requests[0].headers["host"] == f"reviews.test:{port}"
    # 127.0.0.1 itself is connected to without a look-up of the name by anybody else
    assert set(asked) <= {"reviews.test", "127.0.0.1"}


def test_a_name_that_turns_inwards_is_refused_and_nothing_is_sent(
    web: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    web.web = _allowing(web, "")
    _resolve(monkeypatch, "127.0.0.1")
    with pytest.raises(SourceError, match=r"'reviews\.test' is 127\.0\.0\.1, an address inside"):
        web.rows(f"https://reviews.test:{web.server.port}/v1")
    assert web.server.requests == []
    assert [call["error"][:22] for call in web.calls()] == ["the host 'reviews.test"]


@pytest.mark.parametrize("to", ["http://169.254.169.254/latest/meta-data", "http://127.0.0.1:1/", "http://[::1]/",
                                "http://2130706433/", "https://10.0.0.1/", "file:///etc/passwd"])  # fmt: skip
def test_a_redirect_inwards_is_refused(web: Reading, to: str) -> None:
    url = web.server.on("/v1", Reply(b"", 302, {"location": to}))
    with pytest.raises(SourceError):
        web.rows(url)
    assert len(web.server.requests) == 1


def test_a_source_outside_cannot_send_us_inside(
    web: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even where the setting allows it: it does for the sources that are declared there."""
    web.server.on("/inside", [{"a": 1}])
    inside = f"http://127.0.0.1:{web.server.port}/inside"
    gate = gate_of(web.web.allow)
    assert gate.is_inside(inside)
    assert not gate.is_inside("https://8.8.8.8/")
    assert gate_of("10.0.0.0/8").is_inside("https://10.1.2.3/")
    wire = Wire(gate)
    with wire.send("GET", inside, {}) as head:
        assert head.status == 200
    refused = {inside: "read unencrypted", inside.replace("http:", "https:"): "inside a network"}
    for url, says in refused.items():
        with pytest.raises(SourceError, match=says), wire.send("GET", url, {}, outside=True):
            pass
    wire.close()
    asked: list[tuple[str, bool]] = []

    def get(_: Asker, request: Any, *__: Any) -> Any:
        asked.append((request.url, request.outside))
        return inside if len(asked) == 1 else _stop()

    monkeypatch.setattr(Asker, "get", get)
    with pytest.raises(SourceError, match="enough"):
        web.rows("https://8.8.8.8/")
    assert asked == [("https://8.8.8.8/", False), (inside, True)]


def _stop() -> None:
    """End a test."""
    raise SourceError("that is enough", "go on")


def test_proxies_of_the_environment_are_not_used(
    web: Reading, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert web.rows(web.server.on("/v1", [{"a": 1}])) == [{"a": 1}]
    web.web = _allowing(web, "127.0.0.1:1")
    with pytest.raises(TransientError, match="HTTPS_PROXY is set, but sources do not use proxies"):
        web.rows("http://127.0.0.1:1/")


def _allowing(web: Reading, setting: str) -> Any:
    """Give the source's world with another DATAOPS_HTTP_ALLOW."""
    from dataclasses import replace

    return replace(web.web, allow=setting)


def _certificate(folder: Path, name: str) -> Path:
    """Make a certificate that signs itself."""
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    file = folder / f"{name}.pem"
    file.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(pem)
    )
    return file


def test_tls_is_verified_against_the_name(web: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    file = _certificate(web.folder, "reviews.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        body = b'[{"a": 1}]'
        head = b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 10\r\n\r\n"
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(10_000)
                    connection.sendall(head + body)
            except OSError:
                continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    _resolve(monkeypatch, "127.0.0.1")
    web.web = _allowing(web, "127.0.0.0/8")
    with pytest.raises(SourceError, match="cannot prove who it is"):
        web.rows(f"https://reviews.test:{port}/")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    assert web.rows(f"https://reviews.test:{port}/") == [{"a": 1}]
    with pytest.raises(SourceError, match="cannot prove who it is.*elsewhere.test"):
        web.rows(f"https://elsewhere.test:{port}/")
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()
