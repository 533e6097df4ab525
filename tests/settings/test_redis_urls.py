import pytest

from app.settings import InvalidSettings, load_settings
from app.settings.redis_urls import check_url, master_name, sentinel_addresses


@pytest.mark.parametrize(
    "url",
    [
        "redis://localhost",
        "redis://:p%40ss%2Fword@10.0.0.5:6380/3",
        "redis://user:pass@redis.internal?db=3&client_name=api",
        "rediss://[::1]:6379/",
        "unix:///run/redis.sock?db=1",
        "unix://user:pass@/run/redis.sock",
    ],
)
def test_what_redis_py_understands_is_taken(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://canary@localhost", "redis://"),
        ("redis://:can/ary@localhost/0", "%2F"),
        ("redis://:can#ary@localhost/0", "%23"),
        ("redis://[::1/canary", "%2F"),
        ("redis://localhost/canary", "database"),
        ("redis://localhost?db=canary", "database"),
        ("redis://:can?ary@localhost/0", "%3F"),
        ("rediss://localhost?ssl_cert_reqs=none&x=canary", "settings of their own"),
        ("unix://canary/run/redis.sock", "absolute path"),
        ("unix://", "absolute path"),
    ],
)
def test_what_would_be_misunderstood_is_refused_and_not_quoted(
    url: str, advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS__URL", url)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    (line,) = raised.value.lines
    assert line.startswith("REDIS__URL: ")
    assert advice in line
    assert "canary" not in line


def test_the_host_is_the_masters_name_as_it_is_written() -> None:
    assert master_name("redis://user:p%40ss@Mymaster/0") == "Mymaster"
    assert master_name("rediss://my_master") == "my_master"


@pytest.mark.parametrize("url", ["", "redis://", "redis://:pw@host:6379/0", "unix:///run/s"])
def test_a_server_where_the_masters_name_belongs_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="without a port"):
        master_name(url)


def test_addresses_of_sentinels() -> None:
    assert sentinel_addresses("a:1, b ,[::1]:2,10.0.0.1,") == (
        ("a", 1),
        ("b", 26_379),
        ("::1", 2),
        ("10.0.0.1", 26_379),
    )


@pytest.mark.parametrize("listed", ["a:b", ":5", "a:99999", "redis://a:1", "u:p@a:1", "a:1;b:2"])
def test_what_is_no_address_is_refused(listed: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        sentinel_addresses(listed)


@pytest.mark.parametrize(
    ("given", "advice"),
    [
        ({"SENTINELS": "a:1"}, "redis://user:password@mymaster/0"),
        ({"SENTINELS": "a:1", "URL": "redis://host:6379"}, "without a port"),
        ({"SENTINEL_PASSWORD": "canary", "URL": "redis://host"}, "need sentinels"),
        ({"SENTINELS": "a", "URL": "redis://m", "SENTINEL_USERNAME": "u"}, "sentinel_password"),
        ({"CA_FILE": "ca.pem", "URL": "redis://host"}, "rediss://"),
        ({"TLS_VERIFY": "none"}, "rediss://"),
        ({"CERT_FILE": "c.pem", "URL": "rediss://host"}, "belong together"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(
    given: dict[str, str], advice: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in given.items():
        monkeypatch.setenv(f"REDIS__{name}", value)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    (line,) = raised.value.lines
    assert line.startswith("REDIS: ")
    assert advice in line
    assert "canary" not in line


def test_no_sentinels_at_all_is_the_same_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS__SENTINELS", " , ")
    assert load_settings().redis.sentinels is None
