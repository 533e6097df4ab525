"""Who gives orders at this shell; it is stored with them."""

import os
import pwd


def operator() -> str:
    """`cli:` and the login name; a container may run under a number that has no name."""
    user_id = os.getuid()
    try:
        return f"cli:{pwd.getpwuid(user_id).pw_name}"
    except KeyError:
        return f"cli:{user_id}"
