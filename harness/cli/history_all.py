"""harness history --asv --all: every series of asv's results at once."""

from dataclasses import dataclass
from pathlib import Path

from harness.cli.groups import Group, option
from harness.cli.options import AsvGroup, Bench
from harness.cli.printing import JsonGroup, note


@dataclass(frozen=True)
class FeedGroup(Group):
    """Which series, and the feed of their steps."""

    bench: Bench = None
    atom: Path | None = option(help="With --all: write an Atom feed of the steps.")
    commit_url: str | None = option(help="With --all: what links a commit; asv.conf.json's by default.")


def every_series(of_asv: AsvGroup, effect: float | None, asked: FeedGroup, printed: JsonGroup) -> bool:
    """Print the commits with steps, the worst first, and write the feed; whether any series could be tested."""
    from harness.asv.gate import rules_of_repository
    from harness.asv.selection import AsvSelection
    from harness.asv.watch import commit_url_of, watched
    from harness.report.render.objects import dumps
    from harness.report.tables.watch import watch_object
    from harness.report.words.watch import over_store

    url = commit_url_of(asked.commit_url)
    which = AsvSelection(machine=of_asv.machine, bench=asked.bench)
    found = watched(of_asv.folder, which, rules_of_repository(), effect)
    if asked.atom:
        from harness.files.writing import write
        from harness.report.render.atom import atom

        write(asked.atom, atom(found, url).encode())
        note(f"{asked.atom}: written")
    printed.print(lambda: dumps(watch_object(found, url)), lambda: over_store(found))
    return bool(found.scan.tested)
