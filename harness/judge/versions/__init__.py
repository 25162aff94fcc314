"""Whether two versions, or two runs, differ."""
