"""Texts: every sentence of ours that a user reads, and in which language.

Where and when one is shown is not decided here.
"""
