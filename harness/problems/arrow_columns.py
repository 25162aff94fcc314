"""Columns of Apache Arrow, as Parquet files and pyarrow's tables have them."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from harness.problems.cells import Cells
from harness.problems.columns import Cell, Column, Content, column_of_array


def is_nested(kind: Any) -> bool:
    """Whether cells of a pyarrow type are no single numbers, dates or texts: lists, records, bytes, what is unknown.

    They are not read: of a list that is kept once, a file of megabytes holds terabytes.
    """
    from pyarrow import types

    inner = kind.value_type if types.is_dictionary(kind) else kind
    known = (types.is_null, types.is_boolean, types.is_integer, types.is_floating, types.is_decimal, types.is_temporal)
    texts = (types.is_string, types.is_large_string, types.is_string_view)
    return not any(is_one(inner) for is_one in (*known, *texts))


def column_of_arrow(kind: Any, chunks: Iterable[Any], decimal: str = ".") -> Column:
    """The column of the pyarrow arrays `chunks` of type `kind`; texts have the `decimal` point of Cells."""
    from pyarrow import types

    if types.is_boolean(kind) or types.is_integer(kind) or types.is_floating(kind):
        return _numeric(kind, chunks)
    if types.is_temporal(kind):
        return _dates(chunks)
    if is_nested(kind):
        return Column(Content.NESTED)
    seen = Cells(decimal)
    for cells in cells_of_arrow(chunks):
        seen.add(cells)
    return seen.column()


def cells_of_arrow(chunks: Iterable[Any]) -> Iterator[list[object]]:
    """The cells of each chunk as objects, each different one made once."""
    import pyarrow as pa

    for chunk in chunks:
        coded = chunk if isinstance(chunk, pa.DictionaryArray) else _coded(chunk)
        if coded is None:
            yield chunk.to_pylist()
            continue
        values = coded.dictionary.to_pylist()
        yield [None if code is None else values[code] for code in coded.indices.to_pylist()]


def _coded(chunk: Any) -> Any:
    import pyarrow as pa

    try:
        return chunk.dictionary_encode()
    except pa.ArrowException:  # a type that has no such encoding
        return None


def _numeric(kind: Any, chunks: Iterable[Any]) -> Column:
    import pyarrow as pa
    from pyarrow import compute, types

    array = pa.chunked_array(chunks, type=kind)
    missing = compute.is_null(array).to_numpy() if array.null_count else None
    if missing is not None:
        zero = pa.scalar(0, pa.int8()).cast(kind)
        array = compute.fill_null(array, zero)
    if types.is_boolean(kind):
        array = array.cast(pa.uint8())
    return column_of_array(np.asarray(array.to_numpy()), missing)


def _dates(chunks: Iterable[Any]) -> Column:
    before = 0
    for chunk in chunks:
        place = chunk.is_valid().to_numpy(zero_copy_only=False).argmax() if chunk.null_count < len(chunk) else None
        if place is not None:
            row = before + int(place) + 1
            return Column(Content.DATES, others=1, first_other=Cell(row, str(chunk[int(place)].cast("string"))))
        before += len(chunk)
    return Column(Content.EMPTY)
