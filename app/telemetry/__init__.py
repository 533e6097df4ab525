"""Logs, spans and metrics: one way to write each, one place that configures them.

Importing this package is cheap; `spans`, `metrics` and `logs` are imported by those who use them.
"""

from collections.abc import Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from app.settings import Settings

Role = Literal["api", "worker", "up", "cli"]


@contextmanager
def configure_telemetry(settings: "Settings", *, role: Role) -> Generator[None]:
    """Record spans and metrics of this process while the block lasts.

    They are sent to the OTLP/HTTP collector at `otel_exporter_otlp_endpoint` if that is set;
    where HTTP is served, metrics can be rendered for Prometheus in any case. Leaving takes 2.5 s at most, even if the
    collector is gone; it blocks, so leave outside of the event loop.
    """
    # Late: the SDK and its exporters take 0.3 s to import, and `--help` must not.
    from app.telemetry.exporting import open_telemetry  # noqa: PLC0415
    from app.telemetry.version import service_version  # noqa: PLC0415

    with open_telemetry(
        service=f"{settings.telemetry.service_name}-{role}",
        version=service_version(),
        environment=settings.env.value,
        endpoint=settings.otel_exporter_otlp_endpoint,
        scraped=role in {"api", "up"},
    ):
        yield
