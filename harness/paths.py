"""Where the project's data files are: inside an installed wheel, or beside the package in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
EXPECTATIONS = Path("results/expectations.toml")
"""Of a checkout, from its own folder."""

STORE = Path("results/harness.sqlite")
"""Where runs are kept by default, from the working folder."""

UPGRADE = Path("results/upgrade.json")
"""Where the newest answer about an upgrade is kept, from the working folder."""


def _data_folder(name: str) -> Path:
    """The wheel carries the top-level folder as harness/<name>; an editable install reads the checkout's."""
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name


def datasets_folder() -> Path:
    """Data files and their sidecars."""
    return _data_folder("datasets")


def results_folder() -> Path:
    """Committed expectations and published figures."""
    return _data_folder("results")
