"""Stores as released versions made them: the SQL text of their tables (SQLAlchemy 2's, for SQLite) and a few rows."""

import sqlite3
from contextlib import closing
from pathlib import Path

BEFORE_SWEEPS = """
CREATE TABLE meta (schema_version INTEGER NOT NULL);
CREATE TABLE environments (id TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id));
CREATE TABLE runs (
    id TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT, command TEXT NOT NULL, selection TEXT NOT NULL,
    planned TEXT NOT NULL, environment TEXT NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(environment) REFERENCES environments (id)
);
CREATE TABLE records (
    id INTEGER NOT NULL, run TEXT NOT NULL, "case" TEXT NOT NULL, problem TEXT NOT NULL, solver TEXT NOT NULL,
    status TEXT NOT NULL, sampling_error TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(run) REFERENCES runs (id)
);
CREATE INDEX ix_records_case ON records ("case");
CREATE INDEX ix_records_run ON records (run);
CREATE TABLE samples (
    record INTEGER NOT NULL, round INTEGER NOT NULL, wall_s FLOAT, cpu_s FLOAT,
    PRIMARY KEY (record, round), FOREIGN KEY(record) REFERENCES records (id)
);
"""
SWEEPS = """
CREATE TABLE sweeps (
    id TEXT NOT NULL, started_at TEXT NOT NULL, finished_at TEXT, body TEXT NOT NULL, environment TEXT NOT NULL,
    PRIMARY KEY (id), FOREIGN KEY(environment) REFERENCES environments (id)
);
CREATE TABLE sweep_cells (
    id INTEGER NOT NULL, sweep TEXT NOT NULL, problem TEXT NOT NULL, optimizer TEXT NOT NULL, lr FLOAT NOT NULL,
    status TEXT NOT NULL, body TEXT NOT NULL,
    PRIMARY KEY (id), UNIQUE (sweep, problem, optimizer, lr), FOREIGN KEY(sweep) REFERENCES sweeps (id)
);
CREATE INDEX ix_sweep_cells_sweep ON sweep_cells (sweep);
"""
ENVIRONMENT = (
    '{"cpu":"Intel(R) Xeon(R)","cores":2,"memory_bytes":8000000000,"system":"Linux 6.1 x86_64",'
    '"python":"CPython 3.11.7","blas":["openblas 0.3.30"],"versions":{"numpy":"2.4.0"},"gpu":null,"driver":null,'
    '"cuda":null,"tf32":null,"commit":"978c573000000000000000000000000000000000","dirty":false}'
)
BODY = (
    '{"schema_version":1,"case":"CASE","problem":"four_points","problem_name":"four_points","family":"tutorial",'
    '"relation":"linear","problem_sha256":"00","n":4,"p":1,"solver":"numpy_lstsq","kind":"closed_form",'
    '"optimizer":null,"device":"cpu","threads":1,"options":{},"status":"ok","message":"","warnings":[],"unit":"fit",'
    '"epochs_per_call":1,"prepare_s":0.001,"capture_s":null,"tf32":null,"transfer_in_s":null,"transfer_out_s":null,'
    '"peak_bytes":null,"device_peak_bytes":null,"accuracy":{"digits":15.0,"digits_by_term":[15.0,15.0],'
    '"excess_loss":0.0},"solution":null,"trace":null,"head":[]}'
)
FINISHED, CUT_OFF = "20260101-000000-aaaa", "20260102-000000-bbbb"
CASES = ("timed", "unsupported", "cut off")
"""Cases of both runs; the records of each by whether they have samples, and an error while they were timed."""


def version_1(path: Path, *, sweeps: bool) -> None:
    """A store of version 1: a run that has finished, and one that was cut off while its last case was timed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(BEFORE_SWEEPS + (SWEEPS if sweeps else ""))
        connection.execute("INSERT INTO meta VALUES (1)")
        connection.execute("INSERT INTO environments VALUES ('e', ?)", (ENVIRONMENT,))
        for run, ended in ((FINISHED, "2026-01-01T00:01:00+00:00"), (CUT_OFF, None)):
            row = (run, f"{run[:4]}-{run[4:6]}-{run[6:8]}T00:00:00.000000+00:00", ended, "harness run", "{}")
            connection.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?, 'e')", (*row, "\n".join(CASES)))
            for case, samples, error in (("timed", 3, ""), ("unsupported", 0, ""), ("cut off", 0, "")):
                record = (run, case, "four_points", "numpy_lstsq", "ok", error, BODY.replace("CASE", case))
                insert = (
                    'INSERT INTO records (run, "case", problem, solver, status, sampling_error, body) '
                    "VALUES (?, ?, ?, ?, ?, ?, ?)"
                )
                key = connection.execute(insert, record).lastrowid
                taken = [(key, i, 0.5 + i, 0.25 + i) for i in range(samples)]
                connection.executemany("INSERT INTO samples VALUES (?, ?, ?, ?)", taken)


TO_VERSION_2 = """
ALTER TABLE runs ADD COLUMN worker TEXT;
ALTER TABLE records ADD COLUMN rounds INTEGER;
UPDATE records SET rounds = (SELECT count(*) FROM samples WHERE samples.record = records.id) WHERE "case" <> 'cut off';
CREATE TABLE conditions (id INTEGER NOT NULL, run TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (id));
CREATE INDEX ix_conditions_run ON conditions (run);
UPDATE meta SET schema_version = 2;
"""


def version_2(path: Path) -> None:
    """The same of version 2, whose tables were version 1's and what its step added."""
    version_1(path, sweeps=True)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.executescript(TO_VERSION_2)
