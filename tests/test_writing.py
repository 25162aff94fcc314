"""Files that people get: as they were or as they are to be, never a part."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import CannotWriteError, UsageError
from harness.files.writing import replacing, write


def test_text_and_bytes_are_written_as_they_are(tmp_path: Path) -> None:
    write(tmp_path / "text", "é\n")
    write(tmp_path / "bytes", b"\x00\xff")
    assert (tmp_path / "text").read_bytes() == b"\xc3\xa9\n"
    assert (tmp_path / "bytes").read_bytes() == b"\x00\xff"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bytes", "text"]


@pytest.mark.parametrize("failing", ["write_bytes", "replace"])
def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "mine"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, failing, full)
    with pytest.raises(CannotWriteError, match=r"^--markdown mine: cannot be written: No space.*: make room$"):
        write(path, "new", what="--markdown mine")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_an_interruption_half_way_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    path.write_text("old")

    def half() -> None:
        with replacing(path) as made:
            made.write_text("ne")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_it_is_on_the_disk_before_it_is_in_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, synced = tmp_path / "mine", []
    fsync: Callable[[int], None] = os.fsync

    def seen(descriptor: int) -> None:
        synced.append(path.exists())
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", seen)
    write(path, "new")
    assert synced == [False]


def test_a_file_keeps_its_permissions_and_a_new_one_has_what_the_umask_leaves(tmp_path: Path) -> None:
    path, plain, written = tmp_path / "mine", tmp_path / "plain", tmp_path / "written"
    path.write_text("old")
    path.chmod(0o640)
    write(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    plain.touch()
    write(written, "")
    assert written.stat().st_mode == plain.stat().st_mode


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder" / "file")
    for text in ("one", "two"):
        write(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "folder" / "file").read_text() == text


def test_a_device_is_written_to_and_never_replaced() -> None:
    write(Path("/dev/null"), "text")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)


@pytest.mark.parametrize("name", ["absent/file", "folder", "file/below"])
def test_what_cannot_be_written_is_one_line(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match=f"^{tmp_path / name}: cannot be written: "):
        write(tmp_path / name, "text")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "folder"]


def test_folders_are_made_where_that_is_asked(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "file", "text", make_folder=True)
    assert (tmp_path / "a" / "b" / "file").read_text() == "text"
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "a" / "b" / "file" / "below", "text", make_folder=True)


def test_a_name_of_the_most_characters_that_a_file_may_have_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("n" * 255)
    write(path, "text")
    assert path.read_text() == "text"


KILLED = """
import os, signal, sys
from pathlib import Path
from harness.files.writing import beside
with beside(Path(sys.argv[1])) as made:
    made.with_name(made.name + "-wal").write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.slow
def test_what_a_killed_process_left_is_gone_after_the_next_write(tmp_path: Path) -> None:
    path = tmp_path / "mine.jsonl"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False, cwd=Path(__file__).parent.parent)
    assert done.returncode == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 2
    others = [tmp_path / name for name in (".mine.jsonl.12345678x", ".mine.json.12345678", ".yours.jsonl.12345678")]
    for other in others:
        other.touch()
    write(path, "whole")
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


def test_what_another_writes_now_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine"
    with replacing(path) as made:
        made.write_text("first")
        companion = made.with_name(made.name + "-wal")
        companion.touch()
        write(path, "second")
        assert made.read_text() == "first"
        assert companion.exists()
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]
