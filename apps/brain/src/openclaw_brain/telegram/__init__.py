"""Telegram: polls updates and parses each into an `Incoming`.

What an update changes is decided in `inbox`.
"""
