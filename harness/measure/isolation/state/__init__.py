"""What a solver can change for everybody in its process: read before it, compared and put back after it.

A module for each layer: `modules` (what was assigned to), `interpreter`, `system` (what the kernel keeps of a process),
`arithmetic` (floating point, numpy, threads of libraries) and `torch_switches`.
"""
