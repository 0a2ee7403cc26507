"""Tools that a model may call while it answers: one file or folder each, behind the contract in `tool`.

What belongs here: a tool, what it needs of the outside, its limits, and the numbering of opened pages. What does not:
the loop that asks the model and runs the calls, and which role has which tools.
"""
