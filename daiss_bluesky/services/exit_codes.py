"""What a command tells the shell when it did not do what it was asked to."""

REFUSED = 2
"""Somebody's mistake, or something that is not there: said in one sentence."""

INTERRUPTED = 130
"""Ctrl-C, as shells have it: 128 and the number of the signal."""
