"""Code that a model wrote: it is run by the sealed runner, its record is kept, and the answer shows what the record says.

What belongs here: the tool, what the model and the record get of a run, and the block below an answer. What does not:
how code is sealed and limited (`openclaw_runner`).
"""
