"""What stands somewhere, asked for when metrics are read."""

from collections.abc import Iterator

import pytest
from prometheus_client.parser import text_string_to_metric_families

from app.settings import load_settings
from app.telemetry import configure_telemetry
from app.telemetry.gauges import QueueGauges, WorkerGauges, observe_queue, observe_worker
from app.telemetry.metrics import render_prometheus

Series = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture(autouse=True)
def _configured() -> Iterator[None]:
    with configure_telemetry(load_settings(), role="up"):
        yield


def scrape() -> Series:
    """By name, the values by labels' values in the order of the labels' names."""
    families = text_string_to_metric_families(render_prometheus()[0].decode())
    return {
        family.name: {
            tuple(value for _, value in sorted(sample.labels.items()) if value): sample.value
            for sample in family.samples
        }
        for family in families
        if not family.name.startswith("target")
    }


def a_queue(name: str, *, paused: bool = False) -> QueueGauges:
    return QueueGauges(
        queue=name,
        jobs={"deferred": 5, "running": 2},
        due={"chat": 1, "bulk": 7},
        oldest_age_s={("due", "chat"): 0.5},
        workers=3,
        paused=paused,
    )


def test_a_queue_is_asked_whenever_metrics_are_read_until_that_ends() -> None:
    seen = [a_queue("q")]
    end = observe_queue(lambda: seen[-1])
    end_other = observe_queue(lambda: a_queue("other"))
    shown = scrape()
    assert shown["naru_queue_jobs"] == {
        ("q", "deferred"): 5,
        ("q", "running"): 2,
        ("q", "chat", "due"): 1,
        ("q", "bulk", "due"): 7,
        ("other", "deferred"): 5,
        ("other", "running"): 2,
        ("other", "chat", "due"): 1,
        ("other", "bulk", "due"): 7,
    }
    assert shown["naru_queue_oldest_age_seconds"][("q", "chat", "due")] == 0.5
    assert shown["naru_queue_workers"][("q",)] == 3
    assert shown["naru_queue_paused"][("q",)] == 0
    seen.append(a_queue("q", paused=True))
    assert scrape()["naru_queue_paused"][("q",)] == 1
    end()
    assert set(scrape()["naru_queue_paused"]) == {("other",)}
    end_other()
    assert scrape() == {}


def test_what_is_not_known_is_not_shown() -> None:
    seen: list[QueueGauges | None] = [None]
    end = observe_queue(lambda: seen[0])
    assert scrape() == {}
    seen[0] = a_queue("q")
    assert "naru_queue_jobs" in scrape()
    seen[0] = None
    assert scrape() == {}
    end()


def test_a_worker_shows_its_slots_and_the_lag_of_its_loop() -> None:
    load = WorkerGauges(queue="q", slots=10, slots_used=4, loop_lag_s=0.25)
    end = observe_worker(lambda: load)
    assert scrape() == {
        "naru_worker_slots": {("q", "used"): 4, ("q", "total"): 10},
        "naru_loop_lag_seconds": {("q",): 0.25},
    }
    end()
    assert scrape() == {}


def test_who_registers_before_telemetry_is_configured_is_asked_too() -> None:
    end = observe_queue(lambda: a_queue("q"))
    with configure_telemetry(load_settings(), role="up"):
        assert "naru_queue_jobs" in scrape()
    assert "naru_queue_jobs" in scrape()
    end()
