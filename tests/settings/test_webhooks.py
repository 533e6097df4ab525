import pytest

from app.errors import ErrorCode
from app.resilience.guards import AttemptTimeout, CircuitBreaker
from app.resilience.policies import PolicyName, make_policy
from app.resilience.retry import Retry
from app.settings import InvalidSettings, load_settings


def test_private_addresses_are_refused_unless_somebody_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().webhook.allow_private is False
    monkeypatch.setenv("WEBHOOK__ALLOW_PRIVATE", "true")
    assert load_settings().webhook.allow_private is True


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WEBHOOK__MAX_ENDPOINTS", "0"),
        ("WEBHOOK__DELIVERIES_DAYS", "0"),
        ("WEBHOOK__ROTATION_HOURS", "-1"),
        ("WEBHOOK__ALLOW_PRIVATE", "perhaps"),
    ],
)
def test_a_value_that_makes_no_sense_stops_the_start(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings, match=name):
        load_settings()


def test_tries_and_times_are_those_of_retry_by_host(monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_policy(PolicyName.WEBHOOK, load_settings(), dependency="webhook:a.example.com")
    assert first.layer(Retry) == Retry(tries=3, base_wait_s=1, max_wait_s=10)
    limit = AttemptTimeout(timeout_s=10, code=ErrorCode.NETWORK_ERROR)
    assert first.layer(AttemptTimeout) == limit
    breaker = first.layer(CircuitBreaker)
    assert breaker is not None
    assert (first.name, breaker.name) == ("webhook:a.example.com",) * 2
    # The older worker's name is still read.
    monkeypatch.setenv("WEBHOOK_RETRY_DELAY_SECONDS", "60")
    slow = make_policy(PolicyName.WEBHOOK, load_settings()).layer(Retry)
    assert slow == Retry(tries=3, base_wait_s=60, max_wait_s=600)
