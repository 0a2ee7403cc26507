"""Telegram's side of the brain: updates are fetched and read, into `Incoming`.

What an update changes is decided in `inbox`.
"""
