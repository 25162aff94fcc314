"""The store's tables; their version is store.migrations.VERSION.

`runs.worker`: the process that makes the run (store.owner), None once it has ended by itself.
`runs.place`, `sweeps.place`: the order in which they began or, where they have ended, ended; a clock may be set back.
`records.rounds`: how many samples were committed for the record; None while it waits for them, or where
its run was cut off first. A record and its row count of samples that differ from it are torn.
"""

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, MetaData, Table, Text, UniqueConstraint, func

metadata = MetaData()
meta = Table("meta", metadata, Column("schema_version", Integer, nullable=False))
environments = Table(
    "environments", metadata, Column("id", Text, primary_key=True), Column("body", Text, nullable=False)
)
runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("command", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("planned", Text, nullable=False),
    Column("environment", ForeignKey("environments.id"), nullable=False),
    Column("worker", Text),
    Column("place", Integer),
)
records = Table(
    "records",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run", ForeignKey("runs.id"), nullable=False, index=True),
    Column("case", Text, nullable=False),
    Column("problem", Text, nullable=False),
    Column("solver", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("sampling_error", Text, nullable=False, default=""),
    Column("body", Text, nullable=False),
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
    Column("started_at", Text, nullable=False),
    Column("finished_at", Text),
    Column("body", Text, nullable=False),
    Column("environment", ForeignKey("environments.id"), nullable=False),
    Column("place", Integer),
)
sweep_cells = Table(
    "sweep_cells",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("sweep", ForeignKey("sweeps.id"), nullable=False, index=True),
    Column("problem", Text, nullable=False),
    Column("optimizer", Text, nullable=False),
    Column("lr", Float, nullable=False),
    Column("status", Text, nullable=False),
    Column("body", Text, nullable=False),
    # Two processes that go on with one sweep do not both write a cell.
    UniqueConstraint("sweep", "problem", "optimizer", "lr").ddl_if(dialect="sqlite"),
)
Index(
    "ix_sweep_cells_one",
    sweep_cells.c.sweep,
    func.md5(sweep_cells.c.problem),
    sweep_cells.c.optimizer,
    sweep_cells.c.lr,
    unique=True,
).ddl_if(dialect="postgresql")
conditions = Table(
    "conditions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    # No foreign key: it is written before the run's own row, so that a run that dies at once still has its beginning.
    Column("run", Text, nullable=False, index=True),
    Column("body", Text, nullable=False),
)
