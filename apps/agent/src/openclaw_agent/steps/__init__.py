"""Answers in steps: a model that may call tools is asked again and again, until it answers.

What belongs here: the loop, the calls of one step, what the model reads of the steps before, and what a chat sees
meanwhile. What does not: the tools (`tools`), and an answer without tools (`answering`), which imports none of this.
"""
