"""The store's tables; their version is store.migrations.VERSION.

`runs.worker`: the process that makes the run (store.owner), None once it has ended by itself.
`runs.place`, `sweeps.place`: the order in which they began or, where they have ended, ended; a clock may be set back.
`records.rounds`: how many samples were committed for the record; None while it waits for them, or where
its run was cut off first. A record and its row count of samples that differ from it are torn.
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint, func


def _texts(*names: str) -> list[Column[str]]:
    """Columns of text that every row has."""
    return [Column(name, Text, nullable=False) for name in names]


def _number() -> Column[int]:
    """The key of rows that have no name."""
    return Column("id", Integer, primary_key=True, autoincrement=True)


metadata = MetaData()
meta = Table("meta", metadata, Column("schema_version", Integer, nullable=False))
environments = Table("environments", metadata, Column("id", Text, primary_key=True), *_texts("body"))
runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    *_texts("started_at"),
    Column("finished_at", Text),
    *_texts("command", "selection", "planned"),
    Column("environment", ForeignKey("environments.id"), nullable=False),
    Column("worker", Text),
    Column("place", Integer),
)
records = Table(
    "records",
    metadata,
    _number(),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    *_texts("case", "problem", "solver", "status", "sampling_error", "body"),
    Column("rounds", Integer),
)
# A case may be named at any length; an entry of PostgreSQL's ordinary index has at most 2704 bytes (btree).
Index("ix_records_case", records.c.case, postgresql_using="hash")
samples = Table(
    "samples",
    metadata,
    Column("record", ForeignKey("records.id"), primary_key=True),
    Column("round", Integer, primary_key=True),
    Column("wall_s", Float),
    Column("cpu_s", Float),
)
sweeps = Table(
    "sweeps",
    metadata,
    Column("id", Text, primary_key=True),
    *_texts("started_at"),
    Column("finished_at", Text),
    *_texts("body"),
    Column("environment", ForeignKey("environments.id"), nullable=False),
    Column("place", Integer),
)
sweep_cells = Table(
    "sweep_cells",
    metadata,
    _number(),
    Column("sweep", ForeignKey("sweeps.id"), nullable=False, index=True),
    *_texts("problem", "optimizer"),
    Column("lr", Float, nullable=False),
    *_texts("status", "body"),
    # Two processes that go on with one sweep do not both write a cell.
    UniqueConstraint("sweep", "problem", "optimizer", "lr").ddl_if(dialect="sqlite"),
)
one_cell = [sweep_cells.c.sweep, func.md5(sweep_cells.c.problem), sweep_cells.c.optimizer, sweep_cells.c.lr]
Index("ix_sweep_cells_one", *one_cell, unique=True).ddl_if(dialect="postgresql")
conditions = Table(
    "conditions",
    metadata,
    _number(),
    # No foreign key: it is written before the run's own row, so that a run that dies at once still has its beginning.
    Column("run", Text, nullable=False, index=True),
    *_texts("body"),
)
