"""`python -m daiss_devices.twin`."""

import sys

from daiss_devices.twin.main import main

sys.exit(main())
