"""Routing: a message comes in, the role that answers it comes out."""

from openclaw_brain.routing.classifier import Classifier
from openclaw_brain.routing.decide import Previous, Routed, decide_agent

__all__ = ["Classifier", "Previous", "Routed", "decide_agent"]
