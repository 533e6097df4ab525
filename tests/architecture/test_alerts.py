"""Alerts and autoscaling ask for metrics that there are, by labels that these have."""

import json
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from app.queue.inspection import PAUSE_S
from app.settings import load_settings
from app.settings.queue import QueueSettings
from app.telemetry import configure_telemetry, metrics
from app.telemetry.gauges import QueueGauges, WorkerGauges, observe_queue, observe_worker
from tests.conftest import ROOT

ALERTS = ROOT / "ops" / "alerts" / "queue.yaml"
KEDA = ROOT / "ops" / "keda" / "worker-scaledobject.yaml"
GIVEN_BY_PROMETHEUS = {"instance"}
PROMTOOL = shutil.which("promtool") or ""

needs_promtool = pytest.mark.skipif(not PROMTOOL, reason="promtool is not installed")


def promtool_test(unit_tests: Path) -> None:
    ran = subprocess.run(
        [PROMTOOL, "test", "rules", unit_tests], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def rules() -> list[Mapping[str, Any]]:
    groups: list[Mapping[str, Any]] = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def triggers() -> list[Mapping[str, Any]]:
    return yaml.safe_load(KEDA.read_text())["spec"]["triggers"]


@pytest.fixture(scope="module")
def exported() -> Mapping[str, Mapping[str, set[str]]]:
    """Of each metric that the queue exports, its labels with the values that they take."""
    states: dict[str, int] = dict.fromkeys(("held", "deferred", "running", "dead", "parked"), 1)
    priorities: dict[str, int] = dict.fromkeys(("chat", "ingestion", "bulk"), 1)
    seen = QueueGauges(
        queue="arq:queue",
        jobs=states,
        due=priorities,
        oldest_age_s={(state, each): 1 for state in ("due", "held") for each in priorities},
        workers=1,
        paused=True,
    )
    load = WorkerGauges(queue="arq:queue", slots=1, slots_used=1, loop_lag_s=1)
    with configure_telemetry(load_settings(), role="up"):
        ends = (observe_queue(lambda: seen), observe_worker(lambda: load))
        metrics.record_consumed("arq:queue", 1)
        metrics.record_retry("run", error_type="LLM_TIMEOUT")
        found: dict[str, dict[str, set[str]]] = {}
        body = metrics.render_prometheus()[0].decode()
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                labels = found.setdefault(sample.name, {})
                for label, value in sample.labels.items():
                    labels.setdefault(label, set()).add(value)
        for end in ends:
            end()
    return found


def queries() -> list[str]:
    return [rule["expr"] for rule in rules()] + [
        trigger["metadata"]["query"] for trigger in triggers()
    ]


@pytest.mark.parametrize("query", queries())
def test_a_query_names_metrics_and_labels_that_are_exported(
    query: str, exported: Mapping[str, Mapping[str, set[str]]]
) -> None:
    named = set(re.findall(r"\b(?:naru|messaging)_[a-z_]+\b(?=[\[{) ]|$)(?!\s*[=!])", query))
    asked = {name for name in named if not name.startswith("messaging_destination")}
    asked -= {label for labels in exported.values() for label in labels}
    assert asked, "a query without a metric"
    assert asked <= exported.keys()
    labels = {label for name in asked for label in exported[name]} | GIVEN_BY_PROMETHEUS
    for grouped in re.findall(r"by \(([^)]*)\)", query):
        assert {label.strip() for label in grouped.split(",")} <= labels
    for label, operator, value in re.findall(r'(\w+)\s*(=~|!=|=)\s*"([^"]*)"', query):
        values = {each for name in asked for each in exported[name].get(label, set())}
        wanted = set(value.split("|")) if operator == "=~" else {value}
        assert wanted <= values, label


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_an_alert_says_what_happens_and_what_to_do(rule: Mapping[str, Any]) -> None:
    assert re.fullmatch(r"Naru[A-Z]\w+", rule["alert"])
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert set(rule["annotations"]) == {"summary", "runbook"}
    assert all(len(text) > 20 for text in rule["annotations"].values())
    assert "`" in rule["annotations"]["runbook"] or "QUEUE__" in rule["annotations"]["runbook"]


def test_each_alert_has_a_name_of_its_own() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)


def test_settings_that_a_runbook_names_are_there() -> None:
    told = set(re.findall(r"QUEUE__([A-Z_]+)", ALERTS.read_text() + KEDA.read_text()))
    assert told
    assert told <= {name.upper() for name in QueueSettings.model_fields}


def test_what_waits_is_told_before_its_runs_fail_of_it() -> None:
    """With time left to help: as much as the longest of these waits again."""
    ages = re.findall(r"naru_queue_oldest_age_seconds\S* > (\d+)", "\n".join(queries()))
    assert len(ages) == 3
    assert max(map(float, ages)) <= min(PAUSE_S, QueueSettings().run_deadline / 2)


def test_the_scaler_counts_by_the_slots_of_one_worker() -> None:
    by_jobs, by_age = triggers()
    assert int(by_jobs["metadata"]["threshold"]) == QueueSettings().concurrency
    assert by_age["metricType"] == "Value"


@needs_promtool
def test_alerts_fire_when_they_should_and_not_otherwise() -> None:
    promtool_test(ALERTS.with_name("queue_test.yaml"))


@needs_promtool
def test_the_scaler_goes_by_the_age_of_what_a_worker_may_start(tmp_path: Path) -> None:
    _, by_age = triggers()
    queue = 'messaging_destination_name="arq:queue"'
    age = f'naru_queue_oldest_age_seconds{{{queue}, naru_job_priority="ingestion"'
    series = {
        f'{age}, naru_job_state="due"}}': "0 40 40",
        f'{age}, naru_job_state="held"}}': "600 600 600",
        f"naru_queue_paused{{{queue}}}": "0 0 1",
    }
    answers: Mapping[str, list[float]] = {"0m": [0], "1m": [40], "2m": []}
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": by_age["metadata"]["query"],
                "eval_time": at,
                "exp_samples": [{"labels": "{}", "value": value} for value in values],
            }
            for at, values in answers.items()
        ],
    }
    unit_tests = tmp_path / "keda.json"
    unit_tests.write_text(json.dumps({"tests": [test]}))

    promtool_test(unit_tests)
