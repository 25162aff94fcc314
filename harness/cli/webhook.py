"""One POST of JSON to an address that somebody gave; what does not arrive is said, and nothing is raised."""

import json
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from harness import __version__
from harness.errors import UsageError, one_line

PATIENCE_S = 10.0
"""For the connection, and for each answer after it: a night has been measured, and waits for nothing long."""
MOST_CHARACTERS = 3000
"""Of a message to Slack, which shows the rest of a longer one only when asked (its documentation advises 4000)."""


def check_webhook(url: str | None) -> None:
    """Raises UsageError, before minutes of measuring, for what is no address of the web. The address is not shown."""
    try:
        fine = url is None or (urlsplit(url).scheme in ("http", "https") and bool(urlsplit(url).hostname))
    except ValueError:
        fine = False
    if not fine:
        raise UsageError("the webhook's address begins with https:// and names a host")


def slack(title: str, lines: Sequence[str]) -> dict[str, str]:
    """What Slack's incoming webhooks take, and Mattermost's: a message, with what it would read as markup escaped."""
    text = "\n".join([title, *(f"• {line}" for line in lines)])
    for sign, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, name)
    return {"text": text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 4].rstrip() + " ..."}


def posted(url: str, message: Mapping[str, Any]) -> str:
    """Send it; empty, or a line that says why it did not arrive. The path of the address, a secret, is not in it."""
    host = urlsplit(url).hostname
    body = json.dumps(message).encode()
    headers = {"Content-Type": "application/json", "User-Agent": f"ls-harness/{__version__}"}
    try:
        request = Request(url, data=body, headers=headers, method="POST")  # noqa: S310  # http or https: checked above
        with urlopen(request, timeout=PATIENCE_S):  # noqa: S310  # as above
            return ""
    except HTTPError as error:
        error.close()
        why = f"answered {error.code}"
    except (OSError, HTTPException, ValueError) as error:
        why = one_line(str(getattr(error, "reason", error) or type(error).__name__)).replace(url, host or "")
    return f"webhook {host}: {why}: the message was not delivered, the night is kept"
