"""Runs the stand-in of the Bot API by itself."""

import sys

from openclaw_standin.bot_api.server import main

sys.exit(main())
