import ssl
from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.errors import ErrorCode, PermanentError, RetryableError, WorkerError
from app.messages import Message
from app.providers.addresses import Lookup
from app.providers.http import Http, open_http
from app.telemetry.spans import RecordedSpan
from tests.fakes.receiver import Misbehaviour, Receiver, Reply

CANARY = "canary-7c1f"
NAME = "hooks.example.com"


@pytest.fixture
async def http() -> AsyncGenerator[Http]:
    """With time enough, and with private addresses: the receiver is on loopback."""
    async with open_http(timeout_s=20, allow_private=True) as opened:
        yield opened


def names(**known: str) -> Lookup:
    """A name server that knows these: labels joined by `_`, addresses by commas."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        del port
        return known[host.replace(".", "_")].split(",")

    return lookup


async def test_a_post_sends_its_body_and_headers_once_and_gives_the_status(
    http: Http, receiver: Receiver
) -> None:
    receiver.answer(Reply(204))
    assert await http.post(f"{receiver.url}/a?b=1", b'{"c":1}', {"webhook-id": "m"}) == 204
    (got,) = receiver.received
    assert (got.method, got.path, got.body) == ("POST", "/a?b=1", b'{"c":1}')
    assert got.headers["webhook-id"] == "m"
    assert got.headers["user-agent"].startswith("naru/")
    assert got.headers["host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ErrorCode.RECEIVER_REFUSED), (401, ErrorCode.RECEIVER_REFUSED),
        (404, ErrorCode.RECEIVER_REFUSED), (410, ErrorCode.RECEIVER_REFUSED),
        (301, ErrorCode.RECEIVER_REFUSED), (304, ErrorCode.RECEIVER_REFUSED),
        (429, ErrorCode.NETWORK_ERROR), (500, ErrorCode.NETWORK_ERROR),
        (503, ErrorCode.NETWORK_ERROR), (504, ErrorCode.NETWORK_ERROR),
    ],
)  # fmt: skip
async def test_a_status_that_is_no_success_is_an_error_that_keeps_it(
    status: int, code: ErrorCode, http: Http, receiver: Receiver
) -> None:
    receiver.answer(Reply(status, body=CANARY.encode()))
    with pytest.raises(WorkerError) as raised:
        await http.post(f"{receiver.url}/{CANARY}", b"", {})
    assert (raised.value.code, raised.value.details["http_status"]) == (code, status)
    assert CANARY not in repr(raised.value.details) + str(raised.value)
    assert raised.value.__cause__ is None


@pytest.mark.parametrize("status", [429, 503])
async def test_how_long_to_wait_is_kept(status: int, http: Http, receiver: Receiver) -> None:
    receiver.answer(Reply(status, {"retry-after": "7"}))
    with pytest.raises(RetryableError) as raised:
        await http.post(receiver.url, b"", {})
    assert raised.value.details["retry_after"] == 7


async def test_a_redirect_of_a_post_is_not_followed(http: Http, receiver: Receiver) -> None:
    receiver.answer(Reply(307, {"location": "/elsewhere"}))
    with pytest.raises(PermanentError):
        await http.post(receiver.url, b"x", {})
    assert [got.path for got in receiver.received] == ["/"]


async def test_no_answer_in_time_and_a_broken_connection_are_network_errors(
    receiver: Receiver,
) -> None:
    receiver.answer(Misbehaviour.HANG, Misbehaviour.RESET)
    async with open_http(timeout_s=0.3, allow_private=True) as hasty:
        for _ in range(2):
            with pytest.raises(RetryableError) as raised:
                await hasty.post(receiver.url, b"", {})
            assert raised.value.code is ErrorCode.NETWORK_ERROR
    assert len(receiver.received) == 2


@pytest.mark.parametrize("body", [Misbehaviour.ENDLESS, Misbehaviour.DRIP])
async def test_a_body_without_end_is_not_read_and_the_status_counts(
    body: Misbehaviour, http: Http, receiver: Receiver
) -> None:
    receiver.answer(body)
    assert await http.post(receiver.url, b"", {}) == 200
    assert receiver.sent_bytes < 20_000_000  # what fits into the buffers of the connection


async def test_nobody_listens(http: Http) -> None:
    async with Receiver().serving() as gone:
        url = gone.url
    with pytest.raises(RetryableError) as raised:
        await http.post(url, b"", {})
    assert raised.value.code is ErrorCode.NETWORK_ERROR


async def test_a_private_address_is_not_connected_to(receiver: Receiver) -> None:
    async with open_http(timeout_s=20) as guarded:
        for call in (guarded.check(receiver.url), guarded.post(receiver.url, b"", {})):
            with pytest.raises(PermanentError) as raised:
                await call
            assert raised.value.message is Message.URL_NOT_PUBLIC
    assert receiver.received == []


async def test_a_name_is_judged_again_when_it_is_called(receiver: Receiver) -> None:
    """DNS rebinding: public when it was checked, private when it is connected to."""
    answers = iter(["8.8.8.8", "127.0.0.1"])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        del host, port
        return [next(answers)]

    url = f"http://{NAME}:{receiver.port}/"
    async with open_http(timeout_s=20, lookup=rebinding) as http:
        await http.check(url)
        with pytest.raises(PermanentError, match="not public"):
            await http.post(url, b"", {})
    assert receiver.received == []
    assert next(answers, None) is None  # and it was asked once per call


async def test_the_connection_goes_to_the_address_that_was_judged_under_its_name(
    receiver: Receiver,
) -> None:
    # Nobody but this lookup knows the name: another one could not have found the receiver.
    lookup = names(hooks_example_com="127.0.0.1")
    async with open_http(timeout_s=20, allow_private=True, lookup=lookup) as http:
        assert await http.post(f"http://{NAME}:{receiver.port}/x", b"", {}) == 200
    assert receiver.received[0].headers["host"] == f"{NAME}:{receiver.port}"


async def test_the_next_address_is_tried_when_one_does_not_answer(receiver: Receiver) -> None:
    lookup = names(hooks_example_com="127.0.0.2,127.0.0.1")  # the receiver listens on the second
    async with open_http(timeout_s=20, allow_private=True, lookup=lookup) as http:
        assert await http.post(f"http://{NAME}:{receiver.port}/x", b"abc", {}) == 200
    assert receiver.received[0].body == b"abc"


async def test_cookies_of_one_call_are_not_sent_with_the_next(
    http: Http, receiver: Receiver
) -> None:
    receiver.answer(Reply(headers={"set-cookie": "a=1; Path=/"}))
    await http.post(receiver.url, b"", {})
    await http.post(receiver.url, b"", {})
    assert "cookie" not in receiver.received[1].headers


async def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    async with open_http(timeout_s=20, allow_private=True) as http:
        assert await http.post(receiver.url, b"", {}) == 200


async def test_a_span_names_the_host_and_nothing_more_of_the_url(
    http: Http, receiver: Receiver, traced: list[RecordedSpan]
) -> None:
    receiver.answer(Reply(), Reply(500, body=CANARY.encode()))
    url = f"{receiver.url}/{CANARY}?{CANARY}"
    await http.post(url, CANARY.encode(), {"webhook-signature": CANARY})
    with pytest.raises(RetryableError):
        await http.post(url, b"", {})
    good, bad = traced
    assert good.name == "POST"
    assert good.attributes["server.address"] == "127.0.0.1"
    assert good.attributes["server.port"] == receiver.port
    assert good.attributes["http.response.status_code"] == 200
    assert bad.failed
    assert CANARY not in repr([(span.name, span.attributes, span.events) for span in traced])


@pytest.fixture(scope="module")
def certified(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for the name, not for the address; and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = folder / "cert.pem", folder / "key.pem"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return pem, private


async def test_tls_asks_for_the_name_and_verifies_it_while_the_address_is_pinned(
    certified: tuple[Path, Path],
) -> None:
    pem, private = certified
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(pem, private)
    asked: list[str | None] = []
    ours.sni_callback = lambda _, name, __: asked.append(name)
    trusting = ssl.create_default_context(cafile=str(pem))
    lookup = names(hooks_example_com="127.0.0.1", other_example_com="127.0.0.1")
    async with (
        Receiver().serving(ours) as receiver,
        open_http(timeout_s=20, allow_private=True, lookup=lookup, tls=trusting) as http,
    ):
        assert await http.post(f"https://{NAME}:{receiver.port}/", b"", {}) == 200
        # The same address and port under another name: its certificate must be asked for anew.
        with pytest.raises(RetryableError):
            await http.post(f"https://other.example.com:{receiver.port}/", b"", {})
        with pytest.raises(RetryableError):
            await http.post(f"https://127.0.0.1:{receiver.port}/", b"", {})
        assert len(receiver.received) == 1
    assert asked[:2] == [NAME, "other.example.com"]


async def test_an_unknown_certificate_is_not_trusted(certified: tuple[Path, Path]) -> None:
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(*certified)
    lookup = names(hooks_example_com="127.0.0.1")
    async with (
        Receiver().serving(ours) as receiver,
        open_http(timeout_s=20, allow_private=True, lookup=lookup) as http,
    ):
        with pytest.raises(RetryableError):
            await http.post(f"https://{NAME}:{receiver.port}/", b"", {})
        assert receiver.received == []
