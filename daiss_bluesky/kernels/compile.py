"""Compile every kernel once, so that the first scan of the day does not wait."""
