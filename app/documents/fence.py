"""What a parser process finds of its own fence, for who asks whether it stands here."""

import socket

from app.documents.work import work


@work
def has_network(host: str) -> bool:
    """Whether a process like this one can open a socket of the network towards an address."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))  # sends nothing
    except PermissionError:
        return False
    except OSError:
        return True  # no route: that is not the fence
    return True
