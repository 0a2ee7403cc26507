"""The sentences of notices, which delivery and the brain share."""

from openclaw_core.delivery.notices import Buttons, told

__all__ = ["Buttons", "told"]
