"""Tell asv of this machine under a name of one's own: `python -m tools.asv_machine NAME`.

`asv machine --machine NAME --yes` keeps the name alone; here it goes with the processor, the memory and the system
that asv finds by itself, in ~/.asv-machine.json. What is known under the name already stays as it is.
"""

import sys

from asv.machine import Machine, MachineCollection
from asv.util import UserError


def main(name: str) -> None:
    """Keep this machine under the name."""
    try:
        MachineCollection.load(name)
    except UserError:
        MachineCollection.save(name, {**Machine.get_defaults(), "machine": name})


if __name__ == "__main__":
    main(*sys.argv[1:])
