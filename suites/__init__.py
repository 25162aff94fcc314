"""asv benchmarks: thin classes over harness.suite, one file per family. Nothing heavy at import."""
