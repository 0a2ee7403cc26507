"""Tasks: a message that wants an answer, its record, how it stands and ends, what the chat remembers of it, and the port to the work on it.

No store, model server or chat platform is known here.
"""
