"""Stand-ins for the two outside servers: Telegram's Bot API with a chat page (`bot_api`), and a scripted model server (`model`).

`openclaw up`, the tests and the benchmarks use them, so brain and agent run their real clients everywhere.
"""
