"""Inbox: decides what an update changes. Access, commands and buttons, and which messages become one task.

No model is called here, and nothing is sent.
"""
