"""`make device-check`: everything that only a machine with a device can show, in one folder, in under eight minutes."""
