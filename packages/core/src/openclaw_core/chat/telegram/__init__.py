"""The Bot API by python-telegram-bot: requests, verdicts on their faults, and the messenger.

What is shown, and when, is decided in `delivery`.
"""
