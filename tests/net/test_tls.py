"""Over TLS: whose certificate is no good hears not a byte, and an end that anyone could have made is none."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from argosy.net.guard import Hosts
from argosy.net.http import Rest
from argosy.net.outcome import Answered, Failed
from tests.net.test_answers import CLOSES
from tests.net.test_http import free_port
from tests.net.test_lines import Reader, Writer, request
from tests.net.wild import Talk, answer

LOCAL = Hosts(loopback=True)


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """(certificate, key) of a name or address, signed by itself."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    def make(name: str) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = dt.datetime.now(dt.UTC)
        alternative = x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name)
        made = (
            x509.CertificateBuilder().subject_name(who).issuer_name(who).public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([alternative]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        paths = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
        plain = serialization.NoEncryption()
        paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
        return paths

    return make


def secured(paths: tuple[Path, Path], talk: Talk, ask: Callable[[Rest], Awaitable[None]], loop: str) -> None:
    async def whole() -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*paths)

        async def met(reader: Reader, writer: Writer) -> None:
            try:
                await talk(reader, writer, 0)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(met, "127.0.0.1", 0, ssl=context)
        async with Rest(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}", LOCAL) as rest:
            await ask(rest)
        server.close()

    if loop == "uvloop":
        import uvloop

        uvloop.run(whole())
    else:
        asyncio.run(whole())


LOOPS = pytest.mark.parametrize("loop", ["asyncio", "uvloop"])


@LOOPS
def test_over_tls_a_host_with_a_good_certificate_is_spoken_to(loop: str, certificate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = certificate("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        for _ in range(3):
            heard.append(await request(reader))
            writer.write(answer(b"x" * 300_000))
        await writer.drain()
        await reader.read()

    heard: list[bytes] = []

    async def ask(rest: Rest) -> None:
        for _ in range(3):
            got = await rest.call("POST", "/", body=b"{}", deadline_s=5)
            assert isinstance(got, Answered) and got.body == b"x" * 300_000
        assert len(heard) == 3 and b"\r\n\r\n{}" in heard[2]
        await asyncio.sleep(0)
        call = rest.call("POST", "/", body=b"{}", deadline_s=0.2)
        call.send(None)
        call.close()

    secured(paths, talk, ask, loop)


@LOOPS
@pytest.mark.parametrize("wrong", ["unknown", "another"])
def test_a_certificate_of_nobody_or_of_another_is_refused_before_a_byte(
    loop: str, wrong: str, certificate: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = certificate("127.0.0.1" if wrong == "unknown" else "somebody.else")
    other = certificate("127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(other[0] if wrong == "unknown" else paths[0]))
    heard: list[bytes] = []

    async def talk(reader: Reader, writer: Writer, number: int) -> None:
        heard.append(await reader.read(10))

    async def ask(rest: Rest) -> None:
        got = await rest.call("POST", "/", body=b"{}", deadline_s=5)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("TLS", False), got
        assert "CERTIFICATE" in got.text

    secured(paths, talk, ask, loop)
    assert not any(heard)


@LOOPS
def test_a_reply_to_the_end_that_was_cut_off_is_broken_over_tls(loop: str, certificate: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the goodbye of TLS anyone on the way could have ended it."""
    paths = certificate("127.0.0.1")
    monkeypatch.setenv("SSL_CERT_FILE", str(paths[0]))

    async def cut(reader: Reader, writer: Writer, number: int) -> None:
        await request(reader)
        writer.write(CLOSES + b"half of")
        await writer.drain()
        await asyncio.sleep(0.05)
        writer.transport.abort()

    async def ask(rest: Rest) -> None:
        got = await rest.call("GET", "/", deadline_s=5)
        assert isinstance(got, Failed) and (got.cause, got.sent) == ("BROKEN_REPLY", True), got

    secured(paths, cut, ask, loop)


def test_a_port_where_nobody_is_over_tls() -> None:
    async def whole() -> None:
        async with Rest(f"https://127.0.0.1:{free_port()}", LOCAL) as rest:
            got = await rest.call("POST", "/", body=b"{}", deadline_s=5)
            assert isinstance(got, Failed) and (got.cause, got.sent) == ("CONNECT", False)

    asyncio.run(whole())
