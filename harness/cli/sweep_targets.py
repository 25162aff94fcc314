"""harness sweep --make-target: the best loss that a network is known to reach, made and written down."""

from pathlib import Path

from harness.errors import UsageError


def make_targets(asked: dict[str, object], folder: Path) -> int:
    """Write a target for each problem; 0."""
    from dataclasses import replace
    from importlib import import_module

    from harness import targets
    from harness.cli.sweep import option_of, request_of
    from harness.report.console import err, out
    from harness.report.sweep_live import SweepLive
    from harness.sweep_plan import candidates
    from harness.timing.threads import limited

    for name in ("optimizers", "engine", "model", "batch", "dtype", "timeout", "memory", "in-process"):
        if name in asked:
            how = "trains the MLP by Adam in float64, all rows at a time, in this process"
            raise UsageError(f"--make-target {how}: drop --{option_of(name)}")
    size = targets.STORED
    request = request_of({"lr": tuple(f"{lr!r}" for lr in size.lr), "seeds": size.seeds, "epochs": size.epochs} | asked)
    request = request.model_copy(update={"model": "mlp", "engine": "batched", "optimizers": ("adam",)})
    size = replace(size, lr=request.lr, seeds=request.seeds, epochs=request.epochs)
    planned = candidates(request)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--make-target {folder}: is a file; name a folder")
    import_module("torch")  # only a library that is loaded can be held to so many threads
    with limited(request.threads), SweepLive(err(), size.total_epochs * len(planned)) as live:
        for candidate in planned:
            live.working(f"{candidate.problem.label}: its target")
            target = targets.make(candidate.training, size, live.told)
            path = folder / f"{candidate.problem.name}.toml"
            try:
                targets.write(target, path)
            except OSError as error:
                raise UsageError(f"--make-target {path}: cannot be written: {error.strerror}") from None
            live.ended(size.total_epochs)
            out().print(f"{path}: best loss {target.best_loss:.6g} of {target.how}", markup=False, soft_wrap=True)
    return 0
