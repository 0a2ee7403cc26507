"""From an update to what it changes: who may write, commands, buttons, which messages are one task.

No model is called here, and nothing is sent.
"""
