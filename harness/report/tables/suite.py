"""A named suite: its workloads with their sources and targets, as a sweep keeps them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from harness.report.tables.column import Column, Kind
from harness.report.words.sweep import level


class Workload(NamedTuple):
    """A problem of a suite."""

    suite: str
    problem: str
    kind: str
    model: str
    target: float
    source: str


def rows(suite: Mapping[str, Any]) -> list[Workload]:
    """Of a suite as its file has it."""
    label = f"{suite['name']} version {suite['version']}"
    return [
        Workload(label, one["problem"], one["kind"], _model(one.get("hidden")), one["target"], one["source"])
        for one in suite["workloads"]
    ]


def _model(hidden: list[int] | None) -> str:
    return "linear" if hidden is None else "network " + "-".join(map(str, hidden))


COLUMNS: tuple[Column[Workload], ...] = (
    Column("suite", spare=3),
    Column("problem", "problem", least=20),
    Column("kind", "what it is", least=20),
    Column("model", "model", spare=2),
    Column("target", "target", Kind.SMALL, "The relative excess loss that is to be reached.",
        text=lambda row: level(row.target)),
    Column("source", "source", spare=1, least=20),
)  # fmt: skip
