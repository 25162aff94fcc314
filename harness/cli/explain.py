"""harness explain: what a word, a status, a column or a case means."""

from harness.cli import options as cli
from harness.cli.groups import argument, only_with, option
from harness.cli.printing import show


def explain(
    *,
    what: list[str] | None = argument(
        help="A word, a status, a column; or a case: PROBLEM SOLVER [OPTION=VALUE ...]. All words."
    ),
    data: cli.ModelGroup,
    run: str | None = option(help="The run that has the case; the newest."),
    store: cli.StoreUrl = None,
) -> None:
    """Say what a word, a status, a column of a table or a case of a run means, and where to read more."""
    from harness.report.words.glossary import case_explained, explained, overview, unknown_word

    asked = " ".join(what or ())
    document = overview() if not asked else None if data.given() else explained(asked)
    if document is None:
        from harness.history.naming import named_case
        from harness.store.store import Store

        if len(asked.split()) == 1:
            only_with(data.given(), "a case: PROBLEM SOLVER")
            raise unknown_word(asked)
        opened = Store(store, create=False)
        records = opened.records(opened.run(run).id)
        case = named_case(records, what or (), data.model)
        document = case_explained(next(record for record in records if record.case == case))
    show(document)
