import pytest

from app.errors import ErrorCode
from app.resilience.deadline import LEAST_ATTEMPT_S
from app.resilience.fallback import Fallbacks
from app.resilience.guards import AttemptTimeout, CircuitBreaker, RateLimit, Slots
from app.resilience.policies import (
    BREAKERS,
    POLICIES,
    FallbackName,
    PolicyName,
    build_policies,
    make_policy,
)
from app.resilience.retry import Retry
from app.settings import InvalidSettings, load_settings
from app.settings.resilience import BreakersSettings, FailMode, PoliciesSettings


def test_every_name_has_a_row_and_a_group_of_settings() -> None:
    assert set(POLICIES) == set(PolicyName)
    assert set(PoliciesSettings.model_fields) == {name.value for name in PolicyName}
    assert set(BreakersSettings.model_fields) == set(BREAKERS)


def test_the_figures_are_those_of_the_settings() -> None:
    policies = build_policies(load_settings())
    storage, embedding = policies[PolicyName.STORAGE], policies[PolicyName.EMBEDDING]
    assert storage.layer(Retry) == Retry(tries=3)
    assert storage.layer(AttemptTimeout) == AttemptTimeout(
        timeout_s=30, code=ErrorCode.STORAGE_ERROR
    )
    assert embedding.layer(Retry) == Retry(tries=3, base_wait_s=1, max_wait_s=10)
    analysis = policies[PolicyName.ANALYSIS]
    assert analysis.fail_mode is FailMode.FAIL_FALLBACK
    assert analysis.layer(Fallbacks) == Fallbacks(names=(FallbackName.RULES,), reserve_s=30)


def test_settings_change_any_row(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "RETRY__LLM_MAX": "4",
        "POLICIES__LLM__CONCURRENT": "2",
        "POLICIES__LLM__QUEUED": "7",
        "POLICIES__LLM__REQUESTS_PER_MINUTE": "60",
        "POLICIES__LLM__TOKENS_PER_MINUTE": "90000",
        "POLICIES__ANALYSIS__FAIL_MODE": "fail_close",
        "BREAKERS__LLM__OPEN": "3",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    model = make_policy(PolicyName.LLM, settings, dependency="llm:small")
    assert model.name == "llm:small"
    assert model.layer(Retry) == Retry(tries=4, base_wait_s=1)
    assert model.layer(Slots) == Slots(slots=2, queue=7)
    limit = model.layer(RateLimit)
    assert limit is not None
    assert {name: rate.amount for name, rate in limit.rates} == {"requests": 60, "tokens": 90_000}
    breaker = model.layer(CircuitBreaker)
    assert breaker is not None
    assert (breaker.name, breaker.config.open_s) == ("llm:small", 3)
    assert build_policies(settings)[PolicyName.ANALYSIS].fail_mode is FailMode.FAIL_CLOSE


def test_what_makes_no_sense_stops_the_start_with_a_sentence_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in {
        "POLICIES__LLM__BREAKER": "lllm",
        "POLICIES__ANALYSIS__FALLBACKS": '["guess"]',
        "POLICIES__PARSER__FALLBACKS": '["rules"]',
        "POLICIES__QUERY__FAIL_MODE": "fail_fallback",
        "BREAKERS__STORAGE__MINIMUM_CALLS": "50",
        "BREAKERS__EMBEDDING__OPEN": "500",
    }.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as raised:
        build_policies(load_settings())
    open_too_long = "breaker embedding: open_max_s is 120; it must be at least open_s, 500"
    never_judges = "minimum_calls is 50; a window of 20 calls never has that many"
    assert raised.value.lines == [
        f"policy storage: breaker storage: {never_judges}",
        f"POLICIES__LLM__BREAKER names lllm; known are {', '.join(BREAKERS)}",
        "POLICIES__ANALYSIS__FALLBACKS names guess; known here: rules",
        f"policy embedding: {open_too_long}",
        f"policy query: {open_too_long}",
        "policy query: the fail mode is fail_fallback, with no fallback to ask",
        "POLICIES__PARSER__FALLBACKS names rules; known here: none",
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BREAKERS__LLM__FAILURE_PERCENT", "101"),
        ("BREAKERS__LLM__FAILURE_PERCENT", "0"),
        ("BREAKERS__LLM__SLOW_PERCENT", "nan"),
        ("BREAKERS__LLM__OPEN", "-1"),
        ("BREAKERS__LLM__HALF_OPEN_CALLS", "0"),
        ("POLICIES__LLM__CONCURRENT", "0"),
        ("POLICIES__LLM__DEADLINE", "inf"),
        ("POLICIES__ANALYSIS__FAIL_MODE", "fail_shut"),
        ("POLICIES__NOBODY__DEADLINE", "5"),
    ],
)
def test_a_wrong_value_stops_the_start_and_names_itself(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(InvalidSettings) as raised:
        load_settings()
    assert len(raised.value.lines) == 1
    assert raised.value.lines[0].startswith(name.removesuffix("__DEADLINE")), raised.value.lines


def test_a_half_open_circuit_waits_longer_than_one_attempt_may_take() -> None:
    settings = load_settings()
    for name in PolicyName:
        policy = make_policy(name, settings)
        breaker, attempt = policy.layer(CircuitBreaker), policy.layer(AttemptTimeout)
        if breaker is not None and attempt is not None and attempt.timeout_s is not None:
            assert breaker.config.half_open_wait_s > attempt.timeout_s + LEAST_ATTEMPT_S
