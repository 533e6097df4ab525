"""What stands somewhere and is asked for: the depth of queues, the load of workers.

Whoever is asked here is asked in the exporter's thread, so it must be safe there and must not wait.
Registered once, it is asked before, during and after any `configure_telemetry`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from app.telemetry.conventions import Attribute, Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueGauges:
    """One queue, as Redis showed it last. `jobs` by state but `due`, which goes by priority; ages by both."""

    queue: str
    jobs: Mapping[str, int]
    due: Mapping[str, int]
    oldest_age_s: Mapping[tuple[str, str], float]
    workers: int
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerGauges:
    """One worker of this process. `loop_lag_s`: the most that its event loop was late lately."""

    queue: str
    slots: int
    slots_used: int
    loop_lag_s: float


def observe_queue(ask: Callable[[], QueueGauges | None]) -> Callable[[], None]:
    """Ask for a queue's gauges whenever they are read; returns what ends that. None: not known."""
    _asked.queues = (*_asked.queues, ask)

    def end() -> None:
        _asked.queues = tuple(other for other in _asked.queues if other is not ask)

    return end


def observe_worker(ask: Callable[[], WorkerGauges]) -> Callable[[], None]:
    """Ask for a worker's gauges whenever they are read; returns what ends that."""
    _asked.workers = (*_asked.workers, ask)

    def end() -> None:
        _asked.workers = tuple(other for other in _asked.workers if other is not ask)

    return end


def create(meter: Meter) -> None:
    """Have `meter` ask from now on."""
    for name, unit, description, observed in (
        (Metric.QUEUE_JOBS, "{job}", "Jobs by state; those that are due by priority.", _jobs),
        (Metric.QUEUE_OLDEST_AGE, "s", "How long the oldest job waits that is due or held.", _ages),
        (Metric.QUEUE_WORKERS, "{worker}", "Workers that live, in the whole fleet.", _fleets),
        (Metric.QUEUE_PAUSED, "{queue}", "1 while the queue is paused, else 0.", _pauses),
        (
            Metric.WORKER_SLOTS,
            "{job}",
            "Slots of a worker; `used` may exceed `total` by chat.",
            _slots,
        ),
        (Metric.LOOP_LAG, "s", "The most that the event loop was late lately.", _lags),
    ):
        meter.create_observable_gauge(
            name, callbacks=[_callback(observed)], unit=unit, description=description
        )


def _callback(
    observed: Callable[[], Iterator[Observation]],
) -> Callable[[CallbackOptions], Iterable[Observation]]:
    def ask(options: CallbackOptions) -> Iterable[Observation]:
        del options
        return observed()

    return ask


def _jobs() -> Iterator[Observation]:
    for seen in _queues():
        for state, count in seen.jobs.items():
            yield _observation(count, seen.queue, {Attribute.JOB_STATE: state})
        for priority, count in seen.due.items():
            labels = {Attribute.JOB_STATE: "due", Attribute.JOB_PRIORITY: priority}
            yield _observation(count, seen.queue, labels)


def _ages() -> Iterator[Observation]:
    for seen in _queues():
        for (state, priority), age_s in seen.oldest_age_s.items():
            labels = {Attribute.JOB_STATE: state, Attribute.JOB_PRIORITY: priority}
            yield _observation(age_s, seen.queue, labels)


def _fleets() -> Iterator[Observation]:
    for seen in _queues():
        yield _observation(seen.workers, seen.queue, {})


def _pauses() -> Iterator[Observation]:
    for seen in _queues():
        yield _observation(int(seen.paused), seen.queue, {})


def _slots() -> Iterator[Observation]:
    for worker in _workers():
        for state, count in (("used", worker.slots_used), ("total", worker.slots)):
            yield _observation(count, worker.queue, {Attribute.SLOT_STATE: state})


def _lags() -> Iterator[Observation]:
    for worker in _workers():
        yield _observation(worker.loop_lag_s, worker.queue, {})


def _queues() -> Iterator[QueueGauges]:
    for ask in _asked.queues:
        if (seen := ask()) is not None:
            yield seen


def _workers() -> Iterator[WorkerGauges]:
    for ask in _asked.workers:
        yield ask()


def _observation(value: float, queue: str, labels: Mapping[Attribute, str]) -> Observation:
    return Observation(value, {Attribute.MESSAGING_DESTINATION_NAME: queue, **labels})


class _Asked:
    def __init__(self) -> None:
        self.queues: tuple[Callable[[], QueueGauges | None], ...] = ()
        self.workers: tuple[Callable[[], WorkerGauges], ...] = ()


_asked = _Asked()
