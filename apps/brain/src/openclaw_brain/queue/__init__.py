"""Queue: releases waiting tasks, dispatches them to pools, and knows which models are served.

`routing` decides which role answers, `agents` how many agents run.
"""
