"""Texts: every sentence that the bot itself says to a user, in each language, and the choice of language.

When a sentence is shown is decided elsewhere.
"""
