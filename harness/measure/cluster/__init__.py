"""Cases measured by the workers of a Dask cluster, one at a time on each, in the same killable process as at home."""
