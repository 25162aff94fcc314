"""What cells tell of each other's scatter: more degrees of freedom where they agree, no more false alarms."""

import numpy as np
import pytest
from scipy import stats

from harness.judge.versions.moderation import MIN_CELLS, MOST_PRIOR, moderated

CELLS, LAUNCHES, SETS = 12, 5, 1500
UNLIKELY = 1e-6
"""A count that is less likely than this under the claimed rate refutes the claim, not the seed."""


def drawn(rng: np.random.Generator, factors: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Launches' means, variances and the rounds' own variances; cells as different as 0.2 and 3 %."""
    within = np.geomspace(0.002, 0.03, CELLS) ** 2
    logs = rng.normal(0, np.sqrt(factors * within)[:, None], (CELLS, LAUNCHES))
    return logs.mean(axis=1), logs.var(axis=1, ddof=1), within


@pytest.mark.slow
def test_cells_that_agree_lend_each_other_degrees_of_freedom_and_keep_the_level() -> None:
    """One factor for all, 0.7: what is called a change at 1 % is one in a hundred, and more than t alone sees 5 %."""
    rng = np.random.default_rng(1)
    false = alone = seen = more = 0
    for _ in range(SETS):
        mean, variances, within = drawn(rng, np.full(CELLS, 0.7))
        better, dof = moderated(variances, within, np.full(CELLS, LAUNCHES - 1.0))
        false += int(np.count_nonzero(2 * stats.t.sf(abs(mean) / np.sqrt(better / LAUNCHES), dof) < 0.01))
        shifted = mean + 0.05
        seen += int(np.count_nonzero(2 * stats.t.sf(abs(shifted) / np.sqrt(better / LAUNCHES), dof) < 0.003))
        alone += int(
            np.count_nonzero(2 * stats.t.sf(abs(shifted) / np.sqrt(variances / LAUNCHES), LAUNCHES - 1) < 0.003)
        )
        more += int((dof > LAUNCHES - 1 + MOST_PRIOR / 4).all())
    assert stats.binomtest(false, SETS * CELLS, 0.0125, alternative="greater").pvalue > UNLIKELY
    assert seen > alone
    assert more > SETS / 2


def test_cells_that_differ_truly_are_left_to_their_own_launches() -> None:
    rng = np.random.default_rng(2)
    _, variances, within = drawn(rng, np.geomspace(0.01, 1000, CELLS))
    better, dof = moderated(variances, within, np.full(CELLS, LAUNCHES - 1.0))
    assert (dof < LAUNCHES - 1 + 2).all()
    assert np.corrcoef(np.log(better), np.log(variances))[0, 1] > 0.99


@pytest.mark.parametrize("scale", [1e-4, 3.0])
def test_other_units_change_nothing(scale: float) -> None:
    rng = np.random.default_rng(3)
    _, variances, within = drawn(rng, np.full(CELLS, 1.0))
    dof = np.arange(3.0, 3.0 + CELLS)
    better, more = moderated(variances, within, dof)
    scaled, same = moderated(scale * variances, scale * within, dof)
    assert scaled == pytest.approx(scale * better)
    assert same == pytest.approx(more)


def test_few_cells_and_cells_without_noise_stay_as_they_are() -> None:
    rng = np.random.default_rng(4)
    _, variances, within = drawn(rng, np.full(CELLS, 1.0))
    dof = np.full(CELLS, 4.0)
    few = slice(0, MIN_CELLS - 1)
    assert moderated(variances[few], within[few], dof[few])[0].tolist() == variances[few].tolist()
    variances[0], within[1] = 0.0, 0.0
    better, more = moderated(variances, within, dof)
    assert better[:2].tolist() == [0.0, variances[1]]
    assert more[:2].tolist() == [4.0, 4.0]
    assert (more[2:] > 4).all()
