"""Routing: decides which role answers a message. Nothing here knows of queue or store."""

from openclaw_brain.routing.classifier import Classifier
from openclaw_brain.routing.decide import Previous, Routed, decide_agent

__all__ = ["Classifier", "Previous", "Routed", "decide_agent"]
