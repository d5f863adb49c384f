"""Devices, plans and magics of the beamline whose services DAISS_STATE names."""

from daiss_bluesky.cli.shell import enter

enter(get_ipython())  # noqa: F821 - IPython runs this file
