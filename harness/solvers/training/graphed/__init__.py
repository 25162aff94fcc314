"""The textbook loop's step recorded as a CUDA graph: several steps a launch, nothing of Python between them."""
