"""Many small models trained at once in torch: the loop's arithmetic, a batched product where it has a model's."""
