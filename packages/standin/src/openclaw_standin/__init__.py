"""Stand-ins for the two servers outside: the Bot API with a chat page, and a scripted model server.

`openclaw up`, the tests and the benchmarks talk through these, so that brain and agent run their real client code everywhere.
"""
