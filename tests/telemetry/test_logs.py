"""Log lines: their shape, and what never stands in them."""

import asyncio
import io
import logging
import uuid
import warnings
from datetime import UTC, datetime, timedelta

import pytest

from app.settings import load_settings
from app.telemetry import configure_telemetry
from app.telemetry.conventions import SpanName
from app.telemetry.logs import bound, configure_logs, get_logger
from app.telemetry.spans import current_trace_id, span
from tests.telemetry.conftest import LogLines

CANARIES = (
    "gildong.canary@example.com",
    "010-0000-9876",
    "950315-2123456",
    "canary-password-1",
)


def fail(text: str, *, because: str) -> None:
    """Raise an exception that has a cause, from a frame that has locals."""
    raise ValueError(text) from LookupError(because)


def test_a_json_line_carries_time_level_logger_event_and_ids(logs: LogLines) -> None:
    run_id = uuid.uuid4()

    with (
        configure_telemetry(load_settings(), role="worker"),
        span(SpanName.STAGE, "extract") as stage,
        bound(run_id=run_id, attempt=2),
    ):
        get_logger("app.jobs").warning("stage_slow", seconds=3.5)
        trace_id = current_trace_id()

    (line,) = logs.parsed
    when = datetime.fromisoformat(str(line["timestamp"]))
    assert when.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - when) < timedelta(minutes=1)
    assert str(stage.traceparent).split("-")[1:3] == [trace_id, line["span_id"]]
    assert {key: line[key] for key in line if key not in {"timestamp", "span_id"}} == {
        "event": "stage_slow",
        "level": "warning",
        "logger": "app.jobs",
        "run_id": str(run_id),
        "attempt": 2,
        "seconds": 3.5,
        "trace_id": trace_id,
    }


def test_bound_ids_end_with_their_block(logs: LogLines) -> None:
    log = get_logger("app")
    with bound(run_id="r1"), bound(job_id="r1:1"):
        log.info("inside")
    log.info("outside")

    inside, outside = logs.parsed
    assert (inside["run_id"], inside["job_id"]) == ("r1", "r1:1")
    assert "run_id" not in outside


async def test_bound_ids_stay_apart_between_tasks(logs: LogLines) -> None:
    log = get_logger("app")

    async def work(run_id: str) -> None:
        with bound(run_id=run_id):
            await asyncio.sleep(0)
            log.info("worked", expected=run_id)

    async with asyncio.TaskGroup() as group:
        for number in range(5):
            group.create_task(work(f"r{number}"))

    assert len(logs.parsed) == 5
    assert all(line["run_id"] == line["expected"] for line in logs.parsed)


def test_lines_of_libraries_have_the_same_shape(logs: LogLines) -> None:
    with bound(request_id="q1"):
        logging.getLogger("some.library").error("cannot reach %s", "10.0.0.1")

    (line,) = logs.parsed
    assert line["event"] == "cannot reach 10.0.0.1"
    assert (line["level"], line["logger"], line["request_id"]) == ("error", "some.library", "q1")
    assert "timestamp" in line


def test_lines_below_the_level_are_not_written(logs: LogLines) -> None:
    logs.configure("WARNING")

    get_logger("app").info("quiet")
    get_logger("app").warning("loud")

    assert [line["event"] for line in logs.parsed] == ["loud"]


def test_configuring_again_replaces_the_first_configuration(logs: LogLines) -> None:
    other = io.StringIO()
    configure_logs("INFO", json=True, stream=other)

    get_logger("app").info("moved")

    assert logs.text == ""
    assert other.getvalue().count("moved") == 1


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
@pytest.mark.parametrize("name", ["arq.worker", "sqlalchemy.engine.Engine", "httpcore.http11"])
def test_libraries_that_print_payloads_are_silenced_at_every_level(
    logs: LogLines, name: str, level: str
) -> None:
    logs.configure(level)

    logging.getLogger(name).info("0.01s → r1:1:ingest('%s')", "payload")
    logging.getLogger(name).warning("told")

    assert [line["event"] for line in logs.parsed] == ["told"]


def test_the_model_client_never_shows_its_requests(logs: LogLines) -> None:
    logs.configure("DEBUG")

    logging.getLogger("openai._base_client").debug("Request options: %s", {"messages": "résumé"})

    assert logs.text == ""


@pytest.mark.parametrize(("level", "shown"), [("INFO", False), ("DEBUG", True)])
def test_lines_of_the_web_server_are_shown_when_debugging(
    logs: LogLines, level: str, shown: bool
) -> None:
    logs.configure(level)

    logging.getLogger("uvicorn.protocols").info("GET /health/live 200")

    assert bool(logs.parsed) is shown


@pytest.mark.parametrize("json_lines", [True, False])
def test_nothing_personal_or_secret_reaches_a_line(logs: LogLines, json_lines: bool) -> None:
    logs.configure(json_lines=json_lines)
    log = get_logger("app")
    mail, phone, number, password = CANARIES

    log.info(f"careless {mail} {phone} {number}")  # noqa: G004 - carelessness is what is tested
    log.info("careless", mail=mail, nested={"phones": [phone], "password": password})
    log.info("careless", url=f"postgresql://naru:{password}@db/naru", api_key=password)
    logging.getLogger("library").error("sent %s to %s", number, mail)
    try:
        fail(f"Authorization: Bearer {password}, {mail}", because=phone)
    except ValueError:
        log.exception("careless")
        logging.getLogger("library").exception("careless %s", mail)

    assert "careless" in logs.text
    assert "ValueError" in logs.text
    assert [canary for canary in CANARIES if canary in logs.text] == []


def test_readable_lines_show_event_and_fields_without_colours_in_a_file(logs: LogLines) -> None:
    logs.configure(json_lines=False)

    get_logger("app").info("run_finished", run="r1")

    assert "run_finished" in logs.text
    assert "run=r1" in logs.text
    assert "\x1b" not in logs.text


def test_tracebacks_show_no_local_variables(logs: LogLines) -> None:
    logs.configure(json_lines=False)
    try:
        fail("short", because="canary" + "-local")
    except ValueError:
        get_logger("app").exception("failed", exc_info=True)

    assert "ValueError: short" in logs.text
    assert "because = " not in logs.text


def test_a_line_that_cannot_be_formatted_is_told_without_its_arguments(logs: LogLines) -> None:
    library = logging.getLogger("library.of.the.careless")
    library.propagate = False  # pytest's own handlers would raise
    library.handlers = [
        handler
        for handler in logging.getLogger().handlers
        if getattr(handler, "stream", None) is logs.stream
    ]

    library.error("%d files", "gildong.canary@example.com")

    assert logs.text == "log_line_lost logger=library.of.the.careless error=TypeError\n"


def test_a_collector_that_is_down_is_told_once_a_minute(logs: LogLines) -> None:
    exporter = logging.getLogger("opentelemetry.exporter.test")
    for _ in range(3):
        exporter.error("Failed to export %s", "spans")
        logging.getLogger("library").error("again")

    events = [line["event"] for line in logs.parsed]
    assert events.count("Failed to export spans") == 1
    assert events.count("again") == 3


def test_warnings_of_python_become_lines(logs: LogLines) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logs.configure()
        warnings.warn("old name", UserWarning, stacklevel=1)

    (line,) = logs.parsed
    assert (line["level"], line["logger"]) == ("warning", "py.warnings")
    assert "old name" in str(line["event"])


def test_a_logger_made_before_the_configuration_follows_it(logs: LogLines) -> None:
    log = get_logger("early")
    log.info("first")
    logs.configure("ERROR")
    log.info("second")
    logs.configure("INFO")
    log.info("third")

    assert [line["event"] for line in logs.parsed] == ["first", "third"]
