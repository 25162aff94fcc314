"""The commit that made one case slower or wronger: git's bisection, driven by comparisons of two versions."""
