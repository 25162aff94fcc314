"""Keras' SGD and Adam on the linear model and the MLP, trained as TensorFlow's regression tutorial does it.

Each solver keeps the harness's Solver contract: `prepare` builds the model and copies the rows, `run` is one epoch of
`model.fit`, and `fit` is a whole training from the initial weights. TensorFlow is imported by `prepare`, so that
`harness list` says in an instant whether it is there.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from harness.problems.problem import Floats, Problem
from harness.solvers.fit import Fit, Trace, linear_fit
from harness.solvers.options import Options
from harness.solvers.solver import Kind
from harness.solvers.training.scaling import Scaling

HIDDEN = (8, 8, 8)
TAKES = {"lr": 0.01, "epochs": 1000, "batch": None, "seed": 0, "dtype": "float32", "scale": "standardized"}


class KerasTraining:
    """One training: `run()` is an epoch of a model that goes on, `fit()` a training from the initial weights."""

    unit = "epoch"
    epochs_per_call = 1
    capture_s: float | None = None

    def __init__(self, build: Callable[[], Any], problem: Problem, options: Options, *, is_linear: bool) -> None:
        """`build` makes the compiled model."""
        self.build, self.problem, self.options, self.is_linear = build, problem, options, is_linear
        self.scaling = Scaling.of(problem, str(options.scale))
        X, y = problem.rows("train")
        dtype = str(options.dtype)
        self.X, self.y = self.scaling.x(X).astype(dtype), self.scaling.y(y).astype(dtype)[:, None]
        self.timed = build()

    def run(self) -> None:
        """One epoch."""
        self._train(self.timed, 1, [])

    def _train(self, model: Any, epochs: int, callbacks: list[Any]) -> list[float]:
        """The loss of each epoch (E,): before its step where all rows are one batch."""
        batch = self.options.batch or len(self.X)
        told = {"epochs": epochs, "batch_size": batch, "shuffle": batch < len(self.X), "verbose": 0}
        history = model.fit(self.X, self.y, callbacks=callbacks, **told)
        return list(map(float, history.history["loss"]))

    def fit(self) -> Fit:
        """The whole training, with the parameters after each epoch of a linear model."""
        import keras

        model = self.build()
        parameters = [_parameters(model)]
        keep = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: parameters.append(_parameters(model)))
        losses = self._train(model, int(self.options.epochs or 1), [keep] if self.is_linear else [])
        if not self.is_linear:
            return Fit(lambda X: self._predicted(model, X), trace=Trace(np.array(losses)))
        kept = np.array(parameters)
        coef, intercept = self.scaling.back(kept[:, :-1], kept[:, -1])
        return linear_fit(coef[-1], intercept[-1], trace=Trace(np.array(losses), coef=coef, intercept=intercept))

    def _predicted(self, model: Any, X: Floats) -> Floats:
        scaled = self.scaling.x(X).astype(str(self.options.dtype))
        return self.scaling.y_back(np.asarray(model(scaled), dtype=np.float64)[:, 0])


def _parameters(model: Any) -> Floats:
    """The weights, then the bias, of a linear model: (p + 1,)."""
    return np.concatenate([np.asarray(one, dtype=np.float64).ravel() for one in model.get_weights()])


class KerasSolver:
    """One of Keras' optimizers on the linear model, or on the ReLU network 8-8-8."""

    devices = ("cpu",)
    requires = ("tensorflow", "keras")
    takes: Mapping[str, object] = MappingProxyType(TAKES)
    weighted = False

    def __init__(self, name: str, keras_class: str, hidden: tuple[int, ...]) -> None:
        """`keras_class`: its name in keras.optimizers; `hidden`: units by layer, none for the linear model."""
        self.name = name
        self.optimizer: str | None = f"keras_{keras_class.lower()}"
        self.keras_class, self.hidden = keras_class, hidden
        self.kind = Kind.CURVE if hidden else Kind.ITERATIVE
        self.title = f"Keras {keras_class} on {'the MLP 8-8-8' if hidden else 'a linear model'}"

    def unsupported(self, problem: Problem, options: Options) -> str | None:
        """Keras' Dense layers here have biases."""
        return None if problem.intercept else "the layers have biases, which are an intercept; this problem has none"

    def prepare(self, problem: Problem, options: Options) -> KerasTraining:
        """Builds and compiles the model; the timed work is one epoch of `fit`."""
        return KerasTraining(lambda: self._build(problem.p, options), problem, options, is_linear=not self.hidden)

    def _build(self, p: int, options: Options) -> Any:
        import keras

        seed, dtype = int(options.seed or 0), str(options.dtype)

        def dense(units: int, number: int, activation: str | None) -> Any:
            start = keras.initializers.GlorotUniform(seed=1000 * seed + number)
            return keras.layers.Dense(units, activation, kernel_initializer=start, dtype=dtype)

        layers = [dense(units, number, "relu") for number, units in enumerate(self.hidden)]
        model = keras.Sequential([keras.Input((p,), dtype=dtype), *layers, dense(1, len(self.hidden), None)])
        optimizer = getattr(keras.optimizers, self.keras_class)(learning_rate=options.lr)
        model.compile(optimizer=optimizer, loss="mse")
        return model


LINEAR_SGD = KerasSolver("keras_sgd", "SGD", ())
LINEAR_ADAM = KerasSolver("keras_adam", "Adam", ())
MLP_SGD = KerasSolver("keras_mlp_sgd", "SGD", HIDDEN)
MLP_ADAM = KerasSolver("keras_mlp_adam", "Adam", HIDDEN)
