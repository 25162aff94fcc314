"""Cases measured in a worker process: what hangs, crashes or takes too much memory is ended, and the next one runs."""
