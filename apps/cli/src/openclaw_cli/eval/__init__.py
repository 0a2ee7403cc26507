"""`openclaw eval routing`: measure how often messages reach the right role.

What belongs here: the file of labelled messages, and the figures. Not: routing itself, which is `openclaw_brain.routing`.
"""
