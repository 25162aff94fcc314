"""The answer about an upgrade as JSON: what `harness upgrade --json` prints, and what the page reads back."""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from harness.errors import UsageError
from harness.files.reading import read_json
from harness.judge.versions.upgrade.answer import UpgradeAnswer


class UpgradeFile(BaseModel):
    """The answer, as harness.judge.versions.upgrade.answer describes it; `sentence` is it in one line."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    schema_version: Literal[1] = 1
    exit_code: Literal[0, 1, 3]
    sentence: str
    answer: UpgradeAnswer


def upgrade_json(answer: UpgradeAnswer) -> str:
    """One object on one line, which `read_upgrade` reads."""
    made = UpgradeFile.model_validate({"exit_code": answer.exit_code, "sentence": answer.sentence, "answer": answer})
    return made.model_dump_json()


def read_upgrade(path: Path) -> UpgradeAnswer:
    """What `harness upgrade` wrote into `path`. Raises UsageError, one line, if it is anything else."""
    try:
        return read_json(UpgradeFile, path).answer
    except UsageError as error:
        raise UsageError(f"{error}: 'harness upgrade ... --json > {path.name}' makes such a file") from None
