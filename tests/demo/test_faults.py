"""Which call meets which fault, and which prepared reply."""

import pytest
from pydantic import ValidationError

from app.demo.faults import Fault, FaultKind, Reply, Script


@pytest.fixture
def script() -> Script:
    return Script()


def kinds(script: Script, calls: int, *, model: str = "m") -> list[FaultKind | None]:
    met = [script.next_fault("chat", model)[0] for _ in range(calls)]
    return [fault.kind if fault else None for fault in met]


def test_faults_come_in_order_and_as_often_as_they_say(script: Script) -> None:
    script.add_fault(Fault(kind=FaultKind.HANG, times=2))
    script.add_fault(Fault(kind=FaultKind.RESET, times=1))

    assert kinds(script, 4) == [FaultKind.HANG, FaultKind.HANG, FaultKind.RESET, None]


def test_a_fault_without_a_number_stays_until_it_is_cleared(script: Script) -> None:
    script.add_fault(Fault(kind=FaultKind.QUOTA))
    assert kinds(script, 3) == [FaultKind.QUOTA] * 3

    script.clear_faults()
    assert kinds(script, 1) == [None]


def test_a_fault_with_a_time_ends_by_itself() -> None:
    now_s = 100.0
    script = Script(monotonic=lambda: now_s)
    script.add_fault(Fault(kind=FaultKind.QUOTA, for_s=30))
    now_s = 129.9
    assert kinds(script, 2) == [FaultKind.QUOTA] * 2
    now_s = 130.0
    assert kinds(script, 1) == [None]


def test_a_fault_of_one_model_or_endpoint_leaves_the_others_alone(script: Script) -> None:
    script.add_fault(Fault(kind=FaultKind.HANG, model="first", times=1))
    script.add_fault(Fault(kind=FaultKind.RESET, endpoint="embeddings", times=1))

    assert kinds(script, 1, model="second") == [None]
    assert kinds(script, 2, model="first") == [FaultKind.HANG, None]
    fault, _ = script.next_fault("embeddings", "second")
    assert fault is not None
    assert fault.kind is FaultKind.RESET


def test_latencies_add_up_and_come_with_another_fault(script: Script) -> None:
    script.add_fault(Fault(kind=FaultKind.LATENCY, delay_s=0.25))
    script.add_fault(Fault(kind=FaultKind.RESET, times=1, delay_s=0.5))

    fault, delay_s = script.next_fault("chat", "m")
    assert fault is not None
    assert fault.kind is FaultKind.RESET
    assert delay_s == 0.75
    assert script.next_fault("chat", "m") == (None, 0.25)


def test_replies_wait_for_the_model_they_are_meant_for(script: Script) -> None:
    script.add_reply(Reply(content="for the second", model="second"))
    script.add_reply(Reply(content="for anyone"))

    taken = [script.next_reply(model) for model in ("first", "second", "first")]
    assert [reply.content if reply else None for reply in taken] == [
        "for anyone",
        "for the second",
        None,
    ]


@pytest.mark.parametrize(
    "wrong", [{"kind": "unknown"}, {"kind": "hang", "times": 0}, {"kind": "status", "status": 200}]
)
def test_a_fault_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Fault.model_validate(wrong)
