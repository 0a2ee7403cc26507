"""Delivery: what a chat is to see becomes calls to the messenger. The leading brain runs it, and an agent that works alone.

Nothing here decides what is answered; nothing outside calls the messenger to show something.
"""
