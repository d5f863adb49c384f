"""`daiss shell`: IPython with RunEngine, devices, plans and `%recon`."""

import os
from typing import Any

from daiss_bluesky.cli.fleet import Fleet
from daiss_bluesky.cli.options import State
from daiss_bluesky.core.errors import DaissError
from daiss_bluesky.core.resources import resource
from daiss_bluesky.services.state import STATE_VARIABLE, default_root

STARTUP = "profiles/ipython/startup/00-daiss.py"


def shell(
    state: State = None,
) -> None:
    """Scan from an IPython prompt; needs `daiss up`.

    Example: daiss shell, then RE(tomo_scan(181, exposure_s=0.05)) and %recon status
    """
    from IPython.terminal.ipapp import TerminalIPythonApp  # noqa: PLC0415 - 0.5 s

    root = (state or default_root()).resolve()
    Fleet.load(root)
    os.environ[STATE_VARIABLE] = str(root)
    # The user's history and settings stay with the beamline, not in the installation.
    profile = root / "ipython"
    profile.mkdir(exist_ok=True)
    application = TerminalIPythonApp.instance()
    application.config.ProfileDir.location = str(profile)
    application.config.InteractiveShellApp.exec_files = [str(resource(STARTUP))]
    application.config.TerminalIPythonApp.display_banner = False
    application.initialize(argv=[])
    application.start()


def enter(ip: Any) -> None:
    """Fill an IPython namespace; what the profile's startup file calls.

    The services are found through DAISS_STATE. What the user got wrong is one sentence.
    """
    try:
        fleet = Fleet.load(default_root().resolve())
        os.environ.update(fleet.client_environment())
        # EPICS reads its environment when it is imported.
        from daiss_bluesky.cli.prompt import fill  # noqa: PLC0415

        fill(ip, fleet)
    except DaissError as error:
        print(f"error: {error}")  # noqa: T201 - it is for the user
