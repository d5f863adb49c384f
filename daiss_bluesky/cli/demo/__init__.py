"""`daiss demo`: a scan on the simulated beamline, live, from start to report."""
