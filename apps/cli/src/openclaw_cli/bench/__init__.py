"""`openclaw bench`: measure the bot on this machine or on a test cluster, and the size of its store.

What belongs here: questions, measurements and their goals. Not: the stand-ins that are measured against, which are `openclaw_standin`.
"""
