"""Solvers that somebody brings: an estimator, a function, a statistical model, or an object with the Solver contract.

`harness.solvers.brought.solver.solver_of(given, name)` makes a Solver of any of them; that is all that
`harness.run`, the command line and the pytest plugin call. `harness.solvers.brought.spec` finds what is named
`package.module:name` or `path/to/file.py:name`.
"""
