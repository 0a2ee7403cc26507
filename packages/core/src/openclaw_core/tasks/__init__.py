"""Tasks: messages that need an answer, their record, state and outcome, their turns in a conversation, and the port to the work on them.

Nothing here knows a store, a model server or a chat platform.
"""
