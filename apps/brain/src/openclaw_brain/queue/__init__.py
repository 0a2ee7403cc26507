"""From a waiting task to its run: whose turn it is, which models are served, and the hand-over to a pool.

Which role answers is decided in `routing`, how many agents run in `agents`.
"""
