"""harness explain: what a word, a status, a column or a case means."""

from typing import Annotated

import typer

from harness.cli import options as cli
from harness.errors import UsageError


@cli.takes_model
def explain(
    what: Annotated[
        list[str] | None,
        typer.Argument(help="A word, a status, a column; or a case: PROBLEM SOLVER [OPTION=VALUE ...]. All words."),
    ] = None,
    given_model: cli.GivenModel = cli.NO_MODEL,
    run: Annotated[str | None, typer.Option("--run", help="The run that has the case; the newest.")] = None,
    store: cli.StoreUrl = None,
) -> None:
    """Say what a word, a status, a column of a table or a case of a run means, and where to read more."""
    from harness.report.render.terminal import print_document
    from harness.report.terminal.console import out
    from harness.report.words.glossary import case_explained, explained, overview

    asked = " ".join(what or ())
    document = overview() if not asked else explained(asked) if given_model == cli.NO_MODEL else None
    if document is None:
        from harness.history.naming import named_case
        from harness.report.words.glossary import unknown_word
        from harness.store.store import Store

        if len(asked.split()) == 1:
            if given_model != cli.NO_MODEL:
                raise UsageError(f"--{cli.said_of_problems(given_model)[0]} goes with a case: PROBLEM SOLVER")
            raise unknown_word(asked)
        opened = Store(store, create=False)
        records = opened.records(opened.run(run).id)
        case = named_case(records, what or (), given_model)
        document = case_explained(next(record for record in records if record.case == case))
    print_document(out(), document)
