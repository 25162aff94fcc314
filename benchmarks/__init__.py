"""The benchmarks of this project's own solver and engines, with the bars that they are held to.

`make speed` times the closed forms, `make speed-training [DEVICE=cuda]` the engines of training; results/speed keeps
what `--json` prints. Nothing in harness imports this package.
"""
