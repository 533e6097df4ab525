"""Everything here runs in virtual time: an hour's back-off takes no time, and no test sleeps."""

from collections.abc import Callable, Mapping

import pytest

from tests.resilience.virtual_time import VirtualTimeLoop


def pytest_asyncio_loop_factories(
    config: pytest.Config, item: pytest.Item
) -> Mapping[str, Callable[[], VirtualTimeLoop]]:
    """Run every test of this folder on the virtual loop."""
    del config, item
    return {"virtual": VirtualTimeLoop}
