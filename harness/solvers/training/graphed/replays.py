"""Whole trainings by replays of recorded steps: blocks of epochs, fetched from the device now and then."""

from collections.abc import Iterator

import numpy as np

from harness.problems.problem import Floats
from harness.solvers.training.followed import Followed
from harness.solvers.training.graphed.capture import Recorder, timed
from harness.solvers.training.graphed.steps import BUFFER_NUMBERS, Steps
from harness.solvers.training.training import Training
from harness.solvers.training.watch import Block

REPLAYS = 10
"""Most replays between two looks at the losses: the host waits for the device once in so many launches."""


class Replays:
    """Recorded steps with room for what some replays of them do; `capture_s`: wall seconds of the recording."""

    def __init__(self, training: Training, record: Recorder, *, every: bool) -> None:
        """Record steps at the training's learning rate; `every`: the parameters after each are kept."""
        self.steps = Steps(training, every=every)
        self.recorded, self.capture_s = timed(record, self.steps)
        path, self.replays = self.steps.path, REPLAYS
        if path is not None:
            self.replays = max(1, min(REPLAYS, BUFFER_NUMBERS // path.numel()))
        self.losses = self.steps.losses.new_empty(self.replays, self.steps.count)
        self.path = None if path is None else path.new_empty(self.replays, *path.shape)

    def blocks(self, lr: float, seed: int, number: int, epochs: int) -> Iterator[Block]:
        """One training from its start, `number` of a grid, until it has ended."""
        self.steps.reset(lr, seed)
        followed, last = Followed(np.array([number]), epochs), self._standing()
        while followed.going:
            loss, after = self._advance()
            parameters = None
            if after is not None:
                parameters = np.concatenate([last, after])[:, None]
                last = after[-1:]
            yield followed.take(loss[:, None], parameters)

    def _advance(self) -> tuple[Floats, Floats | None]:
        """Some replays: the loss (count,) that each step stepped from, parameters (count, P) after each, or None."""
        for place in range(self.replays):
            self.recorded.replay()
            self.losses[place].copy_(self.steps.losses)
            if self.path is not None and self.steps.path is not None:
                self.path[place].copy_(self.steps.path)
        path = None if self.path is None else self.path.flatten(0, 1).double().cpu().numpy()
        return self.losses.flatten().double().cpu().numpy(), path

    def _standing(self) -> Floats:
        """The parameters (1, P) as they are now."""
        return np.concatenate([one.detach().double().cpu().numpy().ravel() for one in self.steps.parameters])[None]
