"""The sentences of notices, which delivery and the brain share."""

from openclaw_core.chat.delivery.notices import Buttons, told

__all__ = ["Buttons", "told"]
