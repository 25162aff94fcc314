"""Rows as the page carries them: by column, each text once, and JSON that is safe inside of a <script>.

Ten thousand cases are named in a dozen tables and figures: as objects they would be tens of megabytes.
"""

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.files.strict_json import finite
from harness.report.figures.rows import CASE, Row
from harness.report.render.text import visible

ABSENT = -1
"""In place of an index: the row does not have the key at all, which a filter tells from null."""
_MARKUP = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"})


def script_json(value: object) -> str:
    """JSON that may stand in a <script>: nothing in it ends the script, opens a comment or breaks a line.

    All but ASCII is escaped, U+2028, U+2029 and lone surrogates from somebody's file among it; a number that is not
    finite is null, and what would show a text in another order than it has is U+FFFD.
    """
    return json.dumps(finite(value, _seen), separators=(",", ":"), allow_nan=False).translate(_MARKUP)


def _seen(text: str) -> str:
    """Lines and tabs are the client's own."""
    return "\n".join("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))


def deflated(value: object) -> str:
    """The same JSON by gzip in base64, where nothing could end a script: of ten thousand cases a fourteenth is left."""
    return base64.b64encode(gzip.compress(script_json(value).encode(), mtime=0)).decode()


def pack(rows: Sequence[Row], places: Mapping[str, int]) -> dict[str, Any]:
    """The number of rows and their columns; `places`: of each case in the list of cases, which names them once.

    A column is a list of its values; or `of`, its different values, and `at`, an index into these a row; or `case`,
    an index into the list of cases a row.
    """
    keys = dict.fromkeys(key for row in rows for key in row)
    return {"rows": len(rows), "columns": {key: _column(key, rows, places) for key in keys}}


def _column(key: str, rows: Sequence[Row], places: Mapping[str, int]) -> Any:
    if key == CASE and all(row.get(key) in places for row in rows if key in row):
        return {"case": [places[row[key]] if key in row else ABSENT for row in rows]}
    values = [finite(row.get(key)) for row in rows]
    # By the kind as well: 1, 1.0 and true are equal, and are written differently.
    known: dict[tuple[type, Any], int] = {}
    for row, value in zip(rows, values, strict=True):
        if key in row:
            known.setdefault((type(value), value), len(known))
    if len(known) * 2 > len(rows) and all(key in row for row in rows):
        return values
    at = [known[type(value), value] if key in row else ABSENT for row, value in zip(rows, values, strict=True)]
    return {"of": [value for _, value in known], "at": at}
