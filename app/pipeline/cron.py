"""Due times of cron expressions: five fields, read in a time zone, in the manner of Debian's cron.

Where minute and hour are given, they are a time on the wall: it comes once a day also when clocks
change. A time that is left out in spring is due when the clocks have jumped; one that comes twice
in autumn is due the first time. An expression with a star in minute or hour means an interval, and
follows the time that really passes.

All instants are aware; those returned are in UTC.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

_FIELDS = 5  # cronsim knows a sixth for seconds; its times would be too close for `last_due`
_FINEST = timedelta(minutes=1)
_ANY_TIME = datetime(2000, 1, 1, tzinfo=UTC)


def check_cron(cron: str) -> None:
    """Raise ValueError for what is no expression of five fields, or would never be due."""
    if (reason := _fault(cron)) is not None:
        raise ValueError(
            f"{cron!r} is no cron expression: {reason}. "
            "Give minute, hour, day of month, month and weekday, such as 17 3 * * *"
        )


def next_due(cron: str, zone: ZoneInfo, after: datetime) -> datetime:
    """The first due time after this instant. `cron` has passed `check_cron`."""
    local_times = CronSim(cron, after.astimezone(zone))
    # In the hour that autumn repeats, cronsim offers the times of its first pass once more.
    return next(due for local in local_times if (due := local.astimezone(UTC)) > after)


def last_due(cron: str, zone: ZoneInfo, first: datetime, now: datetime) -> datetime:
    """The last due time not after `now`, given that `first` was one.

    Takes about 20 looks at the expression, however many due times lie between the two.
    """
    low, high = first, now
    if next_due(cron, zone, low) > now:
        return first
    # Always: a due time lies after `low` and not after `now`, and none after `high` and not after
    # `now`. Once they are closer than two due times can be, there is one between them.
    while high - low > _FINEST:
        middle = low + (high - low) / 2
        if next_due(cron, zone, middle) > now:
            high = middle
        else:
            low = middle
    return next_due(cron, zone, low)


def _fault(cron: str) -> str | None:
    if len(cron.split()) != _FIELDS:
        return f"it has not {_FIELDS} fields"
    try:
        never = next(CronSim(cron, _ANY_TIME), None) is None
    except CronSimError as error:
        return str(error)
    return "there is no such date" if never else None
