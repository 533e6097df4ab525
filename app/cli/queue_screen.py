"""What the queue holds, who works on it, and the orders of an operator."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from app.api.queue import QueueView, view_queue
from app.cli.render import console, print_json
from app.cli.running import Exit
from app.cli.serving import connected
from app.cli.tables import moment, plain, table
from app.cli.who import operator
from app.pipeline.schedules import ScheduleView, list_schedules
from app.queue import inspection
from app.queue.inspection import QueueDepth, RunningJob, WorkerView
from app.queue.producer import Producer
from app.settings import Settings

_RESUME = "`./run queue resume` ends that"


class QueueScreen(QueueView):
    """The screen as one object."""

    schedules: list[ScheduleView]


class DrainReport(QueueView):
    """`running` is what did not end in time."""

    running: list[RunningJob]


async def run_screen(settings: Settings, *, as_json: bool) -> None:
    """The `queue` command."""
    async with connected(settings) as runtime:
        async with runtime.database.begin() as session:
            schedules = await list_schedules(session)
        await show_queue(runtime.producer, schedules, as_json=as_json)


async def run_pause(settings: Settings, *, reason: str, for_s: float, as_json: bool) -> None:
    """The `queue pause` command."""
    async with connected(settings) as runtime:
        await pause_queue(runtime.producer, reason=reason, for_s=for_s, as_json=as_json)


async def run_resume(settings: Settings, *, as_json: bool) -> None:
    """The `queue resume` command."""
    async with connected(settings) as runtime:
        await resume_queue(runtime.producer, as_json=as_json)


async def run_drain(settings: Settings, *, reason: str, within_s: float, as_json: bool) -> Exit:
    """The `queue drain` command."""
    async with connected(settings) as runtime:
        return await drain_queue(
            runtime.producer, reason=reason, within_s=within_s, as_json=as_json
        )


async def show_queue(
    producer: Producer, schedules: Sequence[ScheduleView], *, as_json: bool
) -> None:
    """The whole screen."""
    seen = await view_queue(producer)
    if as_json:
        print_json(QueueScreen(depth=seen.depth, workers=seen.workers, schedules=list(schedules)))
        return
    out = console()
    out.print(plain(f"{seen.depth.queue} at {moment(seen.depth.at)} UTC"))
    _print_pause(out, seen.depth)
    _print_states(out, seen.depth)
    _print_priorities(out, seen.depth)
    _print_tenants(out, seen.depth)
    _print_workers(out, seen.workers)
    _print_schedules(out, schedules)


async def pause_queue(producer: Producer, *, reason: str, for_s: float, as_json: bool) -> None:
    """Pause, and say until when."""
    depth = await inspection.pause(producer, reason=reason.strip(), by=operator(), for_s=for_s)
    if as_json:
        print_json(await view_queue(producer))
        return
    until = moment(depth.paused.until if depth.paused else None)
    console().print(
        plain(
            f"{depth.queue} is paused until {until} UTC; what runs goes on ({depth.running}). "
            f"{_RESUME}."
        )
    )


async def resume_queue(producer: Producer, *, as_json: bool) -> None:
    """Go on, and say whether it stood."""
    was_paused = await inspection.resume(producer)
    if as_json:
        print_json(await view_queue(producer))
    else:
        console().print(
            plain(f"{producer.queue_name} {'goes on.' if was_paused else 'was not paused.'}")
        )


async def drain_queue(producer: Producer, *, reason: str, within_s: float, as_json: bool) -> Exit:
    """Pause, wait, and say what still runs; that is a failure."""
    if not as_json:
        console(stderr=True).print(f"Nothing more is started; waiting up to {within_s:g} s.")
    drained = await inspection.drain(
        producer, reason=reason.strip(), by=operator(), within_s=within_s
    )
    if as_json:
        seen = await view_queue(producer)
        print_json(
            DrainReport(depth=drained.depth, workers=seen.workers, running=list(drained.running))
        )
    else:
        _print_drained(console(), drained)
    return Exit.SOME_FAILED if drained.depth.running else Exit.OK


def _print_drained(out: Console, drained: inspection.Drained) -> None:
    until = moment(drained.depth.paused.until if drained.depth.paused else None)
    stays = f"The queue stays paused until {until} UTC. {_RESUME}."
    if not drained.depth.running:
        out.print(plain(f"Nothing runs any more. {stays}"))
        return
    rows = table("still runs", "function", "worker")
    for running in drained.running:
        rows.add_row(plain(running.id), plain(running.function), plain(running.worker))
    out.print(rows)
    out.print(plain(f"{drained.depth.running} still run; drain again to go on waiting. {stays}"))


def _print_pause(out: Console, depth: QueueDepth) -> None:
    if (paused := depth.paused) is None:
        return
    since = f" since {moment(paused.since)} UTC" if paused.since else ""
    until = f" until {moment(paused.until)} UTC" if paused.until else ""
    told = plain(f"PAUSED{since}{until} by {paused.by}: {paused.reason} ({_RESUME})")
    told.stylize("yellow")
    out.print(told)


_STARTS = "start as soon as a worker has room"


def _print_states(out: Console, depth: QueueDepth) -> None:
    lines = (
        ("due", depth.due, "start when the pause ends" if depth.paused else _STARTS),
        ("held", depth.held, "due, but their tenant or key is at its limit"),
        ("deferred", depth.deferred, "wait for their time"),
        ("running", depth.running, ""),
        ("dead", depth.dead, "used their tries or cannot be read: ./run dead ls"),
        ("parked", depth.parked, "need a worker of a newer version"),
    )
    rows = table("state", "jobs", "")
    for name, count, meaning in lines:
        style = "red" if count and name in {"dead", "parked"} else ""
        rows.add_row(name, Text(f"{count:,}", style=style), meaning if count else "")
    out.print(rows)


def _print_priorities(out: Console, depth: QueueDepth) -> None:
    rows = table("priority", "due", "oldest", "oldest held")
    for priority, count in depth.due_by_priority.items():
        ages_s = (ages.get(priority) for ages in (depth.oldest_age_s, depth.oldest_held_age_s))
        told = ("" if age_s is None else f"{age_s:,.1f} s" for age_s in ages_s)
        rows.add_row(priority.value, f"{count:,}", *told)
    out.print(rows)


def _print_tenants(out: Console, depth: QueueDepth) -> None:
    if not depth.tenants:
        return
    rows = table("tenant that waits", "priority", "due", "runs", "")
    for tenant in depth.tenants:
        rows.add_row(
            plain(tenant.tenant or "none"),
            tenant.priority.value,
            f"{tenant.due:,}",
            f"{tenant.running:,}",
            "at its limit" if tenant.at_limit else "",
        )
    out.print(rows)


def _print_workers(out: Console, workers: Sequence[WorkerView]) -> None:
    if not workers:
        out.print(
            "No worker lives, so nothing starts. Start one with `./run worker`; one that was killed "
            "is seen for a lease.",
            style="red",
            markup=False,
        )
        return
    rows = table("worker", "host", "version", "slots", "loop lag", "reported")
    for worker in workers:
        ago_s = worker.reported_s_ago
        rows.add_row(
            plain(worker.id),
            plain(worker.host),
            plain(worker.version),
            f"{worker.used}/{worker.slots}",
            f"{worker.loop_lag_ms:.0f} ms",
            "" if ago_s is None else f"{ago_s:.1f} s ago",
        )
    out.print(rows)


def _print_schedules(out: Console, schedules: Sequence[ScheduleView]) -> None:
    if not schedules:
        return
    rows = table("schedule", "cron", "time zone", "next due", "last due", "last run")
    for schedule in schedules:
        rows.add_row(
            plain(schedule.name),
            plain(schedule.cron),
            plain(schedule.timezone),
            moment(schedule.next_due_at),
            moment(schedule.last_due_at),
            plain(schedule.last_run_status),
        )
    out.print(rows)
