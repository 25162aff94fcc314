"""How a case is measured: plan, one case, run, resume."""
