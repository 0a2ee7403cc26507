"""Attachments of a message: fetched from the brain and turned into text.

The prompt that quotes this text is built in `openclaw_agent.prompt`.
"""
