"""The linear model written out: w x + b with parameters of its own."""

import torch


class OwnParameters(torch.nn.Module):
    """weight (p, 1) and bias (1,), or none, both drawn from N(0, 1); forward maps (m, p) to (m, 1)."""

    def __init__(self, p: int, outputs: int = 1, *, bias: bool = True) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.randn(p, outputs))
        self.bias = torch.nn.Parameter(torch.randn(outputs)) if bias else None

    def forward(self, X: torch.Tensor) -> torch.Tensor:
        """A product and a sum for one feature, as the tutorial writes it; a matrix product for more."""
        product = X * self.weight if len(self.weight) == 1 else X @ self.weight
        return product if self.bias is None else product + self.bias
