"""Stand-in for a model server with OpenAI's API as Groq serves it: scripted answers, fixed timing, faults on request."""

from openclaw_standin.model.server import ScriptedModel

__all__ = ["ScriptedModel"]
