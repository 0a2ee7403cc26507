"""Delivery: shows answers, failures and notices in chats. The leading brain runs it, and an agent that works alone.

What is answered is not decided here. No other code sends or edits a message of a chat.
"""
