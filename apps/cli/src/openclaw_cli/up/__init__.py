"""`openclaw up` and `openclaw dev`: the whole bot on one machine.

What belongs here: the store, the model and the processes of a local run, and the folder that keeps its data. Other commands use them.
Not: the stand-in of Telegram and its chat page, which are `openclaw_standin`.
"""
