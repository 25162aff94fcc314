"""The conditions of a measurement: what of the machine and of the interpreter can make its times doubtful."""
