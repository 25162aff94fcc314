"""A PostgreSQL server that ends, and its folder with it, when standard input does.

    python tests/postgres_keeper.py INITDB POSTGRES ADMINISTRATOR [UID GID]

The process that wants the server holds the other end of the pipe: however it ends, SIGKILL included, the pipe ends too.
First the server's folder and the administrator's password are printed, a line each. It imports no library, so that it
starts in no time.
"""

import os
import secrets
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CHECK_S = 0.2
"""Between two looks at whether the server has ended by itself."""


def main(initdb: str, postgres: str, administrator: str, *owner: str) -> int:
    """Serve until standard input ends. 1, with the server's log on stderr, if it ended before."""
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))  # short: a socket's path has at most 107 characters (unix(7))
    try:
        password = secrets.token_hex(4) + "@:/%?#&= " + secrets.token_hex(4)
        (folder / "password").write_text(password + "\n")
        sys.stdout.write(f"{folder}\n{password}\n")
        sys.stdout.flush()
        user = _given_to(folder, *map(int, owner))
        words = ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync", f"--username={administrator}"]
        words += [f"--pwfile={folder / 'password'}", f"--pgdata={folder / 'data'}"]
        subprocess.run([initdb, *words], cwd=folder, check=True, stdout=subprocess.DEVNULL, **user)
        settings = (f"unix_socket_directories={folder}", "listen_addresses=", "fsync=off", "shared_buffers=16MB")
        options = [word for setting in settings for word in ("-c", setting)]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen([postgres, "-D", folder / "data", *options], cwd=folder, stderr=log, **user)
        while server.poll() is None and not select.select([sys.stdin], [], [], CHECK_S)[0]:
            pass
        if server.returncode is not None:
            sys.stderr.write((folder / "log").read_text())
            return 1
        server.send_signal(signal.SIGINT)  # a fast shutdown (server-shutdown)
        server.wait()
        return 0
    finally:
        shutil.rmtree(folder)


def _given_to(folder: Path, user: int | None = None, group: int | None = None) -> dict[str, Any]:
    """Whose the server's processes are: initdb and postgres refuse root."""
    if user is None or group is None:
        return {}
    for path in (folder, *folder.iterdir()):
        os.chown(path, user, group)
    return {"user": user, "group": group, "extra_groups": []}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
