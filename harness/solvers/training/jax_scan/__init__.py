"""Many small models trained at once in jax: the epochs scanned in one compiled function, all models in its products."""
