"""Runs the scripted model server by itself."""

import sys

from openclaw_standin.model.server import main

sys.exit(main())
