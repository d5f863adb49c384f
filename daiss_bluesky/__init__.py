"""Live reconstruction of bluesky scans: see the result while the scan runs."""
