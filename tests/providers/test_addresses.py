import socket
from collections.abc import Sequence
from ipaddress import ip_address

import pytest

from app.errors import ErrorCode, PermanentError, RetryableError
from app.messages import Language, Message
from app.providers.addresses import Lookup, host_and_port, resolve_public, system_lookup


def answering(*addresses: str) -> Lookup:
    """A name server that knows every name by these addresses."""

    async def lookup(host: str, port: int) -> Sequence[str]:
        del host, port
        return addresses

    return lookup


def failing(error: OSError) -> Lookup:
    async def lookup(host: str, port: int) -> Sequence[str]:
        del host, port
        raise error

    return lookup


async def nobody_is_asked(host: str, port: int) -> Sequence[str]:
    raise AssertionError(f"{host}:{port} was looked up")


PUBLIC = ("93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "::ffff:8.8.8.8", "64:ff9b::808:808",
          "2002:808:808::1")  # fmt: skip

PRIVATE = (
    "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254", "192.168.1.1",
    "127.0.0.1", "127.255.255.254", "100.64.0.1", "100.127.255.255",
    "::1", "fc00::1", "fd12:3456::1",
    "::ffff:10.0.0.1", "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",  # NAT64 of 127.0.0.1
    "2002:7f00:1::1", "2002:c0a8:101::1",  # 6to4 of 127.0.0.1 and 192.168.1.1
)  # fmt: skip

NEVER = (
    "0.0.0.0",  # noqa: S104 - refused
    "0.1.2.3", "169.254.169.254", "169.254.0.1", "100.100.100.200", "168.63.129.16",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::ffff:0.0.0.0", "::ffff:169.254.169.254", "::10.0.0.1", "::8.8.8.8",
    "::ffff:0:8.8.8.8", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "2001:db8::1",
    "64:ff9b:1::1", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "fd00:ec2::254", "3fff::1", "100::1",
    "2001:0:4136:e378:8000:63bf:5601:5601",  # Teredo of 169.254.169.254
    "4000::1",
)  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
async def test_a_host_with_a_public_address_may_be_called(address: str) -> None:
    found = await resolve_public("https://hooks.example.com/x", lookup=answering(address))
    assert found == (ip_address(address),)


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
async def test_a_host_with_any_other_address_is_refused_without_saying_which(address: str) -> None:
    with pytest.raises(PermanentError) as raised:
        await resolve_public("https://hooks.example.com/x", lookup=answering(address))
    error = raised.value
    assert (error.code, error.message) == (ErrorCode.VALIDATION_ERROR, Message.URL_NOT_PUBLIC)
    assert error.details == {}
    assert address.partition("%")[0] not in error.text(Language.ENGLISH)


@pytest.mark.parametrize("address", PRIVATE)
async def test_private_addresses_may_be_called_where_that_is_allowed(address: str) -> None:
    assert await resolve_public("http://hooks/", allow_private=True, lookup=answering(address))


@pytest.mark.parametrize("address", NEVER)
async def test_metadata_and_its_like_are_refused_also_there(address: str) -> None:
    with pytest.raises(PermanentError, match="not public"):
        await resolve_public("http://hooks/", allow_private=True, lookup=answering(address))


@pytest.mark.parametrize("among", [("8.8.8.8", "127.0.0.1"), ("10.0.0.1", "8.8.8.8")])
async def test_one_private_address_among_public_ones_is_enough_to_refuse(
    among: tuple[str, str],
) -> None:
    with pytest.raises(PermanentError, match="not public"):
        await resolve_public("https://hooks.example.com/", lookup=answering(*among))


@pytest.mark.parametrize("address", [*PRIVATE, *NEVER])
async def test_an_address_in_the_url_is_judged_like_an_answer(address: str) -> None:
    host = f"[{address}]" if ":" in address else address
    with pytest.raises(PermanentError):
        await resolve_public(f"http://{host}:8080/x", lookup=nobody_is_asked)


async def test_a_public_address_in_the_url_needs_no_name_server() -> None:
    for host in ("8.8.8.8", "[2606:2800:220:1::1]"):
        assert await resolve_public(f"https://{host}/x", lookup=nobody_is_asked)


@pytest.mark.parametrize(
    "url",
    [
        "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://0177.0.0.1/",
        "http://127.1/", "http://127.0.1/", "http://0/", "http://0x/", "http://1.2.3.4.5/",
        "http://08.8.8.8/", "http://8.8.8.8./", "http://example.0x1/", "http://example.1/",
        "http://localhost./", "http://example.com./", "http://.example.com/", "http://a..b/",
        "http://example.com\\@127.0.0.1/", "http://exa mple.com/", "http://example.com/a b",
        "http://example.com\t/", "http://example.com/\n", "http://%31%32%37.0.0.1/",
        "http://example.com%00/", "http://[::1%25eth0]/", "http://[fe80::1%eth0]/", "http://[::1/",
        "http:///path", "http://", "http:example.com", "http://ⓔxample.com/", "http://１２７.0.0.1/",
        "http://example.com:0/", "http://example.com:99999/", "http://example.com:x/",
        "http://-a.example.com/", "http://a-.example.com/", "http://a!b.example.com/",
        f"http://{'a' * 64}.example.com/", f"http://example.com/{'a' * 2_000}", "",
    ],
)  # fmt: skip
async def test_a_host_that_can_be_read_in_two_ways_is_refused_unasked(url: str) -> None:
    with pytest.raises(PermanentError) as raised:
        await resolve_public(url, allow_private=True, lookup=nobody_is_asked)
    assert raised.value.code is ErrorCode.VALIDATION_ERROR


@pytest.mark.parametrize(
    "url",
    ["ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "example.com", "//x.com/",
     "javascript:alert(1)", "ws://example.com/", "https+unix://x/"],
)  # fmt: skip
async def test_only_http_is_called(url: str) -> None:
    with pytest.raises(PermanentError) as raised:
        await resolve_public(url, lookup=nobody_is_asked)
    assert raised.value.message is Message.URL_NOT_HTTP


@pytest.mark.parametrize(
    "url", ["http://user:hunter2@example.com/", "http://user@example.com/", "http://@example.com/"]
)
async def test_a_url_with_a_password_is_refused_and_not_quoted(url: str) -> None:
    with pytest.raises(PermanentError) as raised:
        await resolve_public(url, lookup=nobody_is_asked)
    assert raised.value.message is Message.URL_WITH_CREDENTIALS
    assert "hunter2" not in str(raised.value)


async def test_a_name_in_another_script_is_looked_up_as_ascii() -> None:
    asked: list[tuple[str, int]] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        return ["8.8.8.8"]

    await resolve_public("https://나루.example.com:8443/길?q=1@x", lookup=lookup)
    assert asked == [("xn--910br1n.example.com", 8443)]
    # An ideographic full stop is a dot: what it makes is judged, not what it looks like.
    with pytest.raises(PermanentError, match="not public"):
        await resolve_public("http://127。0。0。1/", lookup=nobody_is_asked)


def test_the_port_is_that_of_the_scheme_unless_it_is_given() -> None:
    assert host_and_port("https://Example.COM/x") == ("example.com", 443)
    assert host_and_port("http://example.com") == ("example.com", 80)
    assert host_and_port("http://[2606::1]:81/") == ("2606::1", 81)


async def test_an_unknown_host_is_told_from_a_name_server_that_is_away() -> None:
    unknown = failing(socket.gaierror(socket.EAI_NONAME, "secret.internal"))
    with pytest.raises(PermanentError) as refused:
        await resolve_public("https://hooks.example.com/", lookup=unknown)
    assert refused.value.message is Message.URL_HOST_UNKNOWN
    with pytest.raises(PermanentError, match="not known"):
        await resolve_public("https://hooks.example.com/", lookup=answering())
    for error in (socket.gaierror(socket.EAI_AGAIN, "x"), OSError("x")):
        with pytest.raises(RetryableError) as away:
            await resolve_public("https://hooks.example.com/", lookup=failing(error))
        assert away.value.code is ErrorCode.NETWORK_ERROR
        assert away.value.message is Message.URL_HOST_NOT_LOOKED_UP


async def test_the_system_knows_this_machine() -> None:
    with system_lookup() as lookup:
        found = await resolve_public("http://localhost:81/", lookup=lookup, allow_private=True)
        assert {str(each) for each in found} <= {"127.0.0.1", "::1"}
        with pytest.raises(PermanentError, match="not public"):
            await resolve_public("http://localhost:81/", lookup=lookup)
