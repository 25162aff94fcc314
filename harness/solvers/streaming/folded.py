"""L'R of matrices with many rows and few columns on a device, where one product of that shape keeps few cores busy.

Rows are folded together, g to a row of g times the columns, and multiplied in batches: of the products' blocks the
diagonal ones count, and their sum is L'R. Most of a wider product is thrown away, which costs nothing as long as
memory, and not arithmetic, is what it waits for.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

BATCH_ROWS = 2**12
"""Rows of a batch: a block of 256 MiB is hundreds of them, more than a device has multiprocessors (an H200: 132)."""
FOLDED_COLUMNS = 64
"""Columns of a folded row, at most: a tile of cuBLAS's float64 kernels. Not yet measured on a device."""


def folded_product(L: "torch.Tensor", R: "torch.Tensor") -> "torch.Tensor":
    """L'R (l, r) of L (m, l) and R (m, r), float64: in batches, folded where both are narrow and contiguous."""
    import torch

    whole = _whole_batches(L)
    if not whole:
        return L.mT @ R
    batches, fold = whole // BATCH_ROWS, _fold(L, R)
    A, B = (part[:whole].reshape(batches, BATCH_ROWS // fold, fold * part.shape[1]) for part in (L, R))
    product = torch.bmm(A.mT, B).sum(0)
    if fold > 1:
        product = product.view(fold, L.shape[1], fold, R.shape[1]).diagonal(dim1=0, dim2=2).sum(-1)
    return product if whole == len(L) else product + L[whole:].mT @ R[whole:]


def integer_product(L: "torch.Tensor", R: "torch.Tensor") -> "torch.Tensor":
    """L'R (l, r) int64, without rounding, of whole numbers up to 2^20 in float64: a batch sums 2^12 products."""
    import torch

    whole = _whole_batches(L)
    if not whole:
        return (L.mT @ R).to(torch.int64)
    A, B = (part[:whole].unflatten(0, (-1, BATCH_ROWS)) for part in (L, R))
    product = torch.bmm(A.mT, B).to(torch.int64).sum(0)
    return product if whole == len(L) else product + (L[whole:].mT @ R[whole:]).to(torch.int64)


def _whole_batches(L: "torch.Tensor") -> int:
    """Rows of the batches that are whole."""
    return len(L) - len(L) % BATCH_ROWS


def _fold(L: "torch.Tensor", R: "torch.Tensor") -> int:
    """How many rows make one: a power of two, so that a batch holds them whole."""
    columns = int(max(L.shape[1], R.shape[1]))
    if columns > FOLDED_COLUMNS // 2 or not (L.is_contiguous() and R.is_contiguous()):
        return 1
    return 1 << ((FOLDED_COLUMNS // columns).bit_length() - 1)
