"""What an asv suite has, in a worker, file by file: loaded by worker.py from beside it. It needs asv_runner.

asv_runner's own discovery takes all files at once, and ends with the first that cannot be imported.
"""

import inspect
import pkgutil
import re
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

MEM = re.compile(r"Mem[A-Z_].+|mem_.+")
"""What asv takes for the size of an object (asv_runner/benchmarks/mem.py), where pympler is there to measure it."""
ADDRESS = re.compile(r" at 0x[\da-fA-F]+")
"""Of an object without a text of its own: it is another one in each process."""
LONGEST_S = 86_400.0
"""Of a timeout that is infinite: JSON has none."""

Answer = dict[str, Any]


def discover(order: Answer) -> Answer:
    """The benchmarks of one `module` of the suite in the folder `root`, and the modules in it if it is a package.

    `failed`: of each benchmark that cannot be made what it said; `left`: those that asv leaves out without pympler.
    """
    module = _imported(order)
    benchmarks, failed, left = [], {}, []
    for holder, attribute in _candidates(module):
        try:
            found = _made(module, holder, attribute)
            if found is not None:
                place = {"module": module.__name__, "holder": holder, "attribute": attribute}
                benchmarks.append({**_described(found), "place": place})
        except (Exception, SystemExit) as error:  # noqa: BLE001  # of a suite: it is the status of this benchmark
            failed[_name(module, holder, attribute)] = f"{type(error).__name__}: {error}"
        else:
            if found is None and MEM.fullmatch(attribute):
                left.append(_name(module, holder, attribute))
    path = getattr(module, "__path__", ())
    modules = [one.name for one in pkgutil.iter_modules(path, f"{module.__name__}.")]
    return {"modules": modules, "benchmarks": benchmarks, "failed": failed, "left": left}


def loaded(order: Answer) -> Any:
    """The benchmark of an order, with the parameters that have its `texts`: another version may have others.

    Raises LookupError where this version does not have it, and whatever the suite raises.
    """
    place, texts = order["place"], order["texts"]
    benchmark = _made(_imported({"root": order["root"], **place}), place["holder"], place["attribute"])
    if benchmark is None:
        raise LookupError("the suite has no such benchmark with this version")
    params = list(map(_texts, benchmark.params))
    if len(params) != len(texts) or any(text not in here for text, here in zip(texts, params, strict=True)):
        has = "; ".join(", ".join(here) for here in params) or "none"
        raise LookupError(f"it has no such parameters with this version: they are {has}")
    if texts:
        index = 0
        for text, here in zip(texts, params, strict=True):
            index = index * len(here) + here.index(text)
        benchmark.set_param_idx(index)
    return benchmark


def _imported(order: Answer) -> ModuleType:
    _findable(order["root"])
    return import_module(order["module"])


@cache
def _findable(root: str) -> None:
    from asv_runner._aux import update_sys_path

    update_sys_path(root)


def _candidates(module: ModuleType) -> Iterator[tuple[str, str]]:
    """The class, if any, and the name of each function, as asv_runner.discovery.disc_benchmarks looks for them."""
    for name, found in list(vars(module).items()):
        if name.startswith("_"):
            continue
        if inspect.isclass(found) and not inspect.isabstract(found):
            members = inspect.getmembers(found, lambda one: inspect.isfunction(one) or inspect.ismethod(one))
            yield from ((name, attribute) for attribute, _ in members)
        elif inspect.isfunction(found):
            yield "", name


def _made(module: ModuleType, holder: str, attribute: str) -> Any:
    """asv_runner's benchmark; None of what is none, or is not there."""
    from asv_runner.discovery import _get_benchmark

    owner = getattr(module, holder, None) if holder else None
    function = getattr(owner if holder else module, attribute, None)
    return None if function is None else _get_benchmark(attribute, module, owner, function)


def _described(benchmark: Any) -> Answer:
    """What the parent is told. Raises TypeError or ValueError for a timeout that is no number."""
    timeouts = {"timeout_s": benchmark.timeout, "cache_timeout_s": benchmark.setup_cache_timeout}
    return {
        **{name: str(getattr(benchmark, name)) for name in ("name", "type")},
        "unit": str(benchmark.unit or "unit"),
        "param_names": list(benchmark.param_names),
        "params": list(map(_texts, benchmark.params)),
        **{name: None if one is None else _seconds(one) for name, one in timeouts.items()},
    }


def _seconds(timeout: Any) -> float:
    if not float(timeout) > 0:
        raise ValueError(f"timeout is seconds above 0, not {timeout}")
    return min(float(timeout), LONGEST_S)


def _texts(values: Sequence[str]) -> list[str]:
    """The values of a parameter as asv writes them, without addresses; equal ones are numbered, as asv does."""
    plain = [ADDRESS.sub("", one) for one in values]
    return [f"{one} ({plain[:at].count(one)})" if plain.count(one) > 1 else one for at, one in enumerate(plain)]


def _name(module: ModuleType, holder: str, attribute: str) -> str:
    return ".".join(filter(None, [*module.__name__.split(".")[1:], holder, attribute]))
