"""The judge is judged: bad and harmless changes of prompts, answered by simulated models.

`python -m tests.evals.judge` prints the table.
"""
