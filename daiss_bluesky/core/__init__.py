"""Values and contracts every other room relies on; no I/O, numpy and pydantic only."""
