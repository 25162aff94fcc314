"""What `harness history` asks: one case's launches, judged over commits."""

from collections.abc import Iterable, Sequence

from harness.errors import CannotMeasureError
from harness.history.naming import of_case
from harness.history.sources import Launch, points_of
from harness.judge.history.history import judge_history
from harness.judge.history.series import History, quantity_of
from harness.problems.model import ANY, Model


def history_of(
    launches: Iterable[Launch],
    asked: Sequence[str],
    *,
    model: Model = ANY,
    quantity: str = "time",
    effect: float | None = None,
    since: str | None = None,
    by: str | None = None,
) -> History:
    """The history of one case: `asked` is its key, or `problem solver [option=value ...]`, as words.

    `model`: what is said of the problem beside that.

    `by`: the axis, commit or date; None as `points_of` chooses.

    Raises UsageError for an unknown or ambiguous case, quantity, effect or `since`; CannotMeasureError where there is
    no history: nothing measured, or once.
    """
    wanted = quantity_of(quantity)
    every = list(launches)
    if not every:
        raise CannotMeasureError("no history: nothing has been measured yet: 'harness run' measures")
    case, own = of_case(every, asked, model)
    found = points_of(own, wanted, since, by=by)
    untested = found.commits.untested
    return judge_history(case, wanted, found.points, untested, effect=effect, notes=found.notes, by=found.by)
