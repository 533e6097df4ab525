"""Real Valkey and PostgreSQL as child processes, for whoever has set no URL.

servers.py    the way in: start what is missing, or join the process that already runs it
ownership.py  the data folder: its lock, its sockets, who owns its servers
postgres.py   valkey.py    which binary, which options, when it is ready
process.py    one child process: log, lock, readiness, restart, bounded stop
launch.py     the few lines that run in the child before it becomes the server
"""

from app.embedded.ownership import owner
from app.embedded.servers import embedded_servers

__all__ = ["embedded_servers", "owner"]
