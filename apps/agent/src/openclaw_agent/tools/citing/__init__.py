"""The parts of `tools.sources`: numbers and links in a model's text, its quotations, what a preview holds back, the list below an answer.

All of it is pure. What belongs here: what happens to a model's words before anybody sees them because of the pages of
its run. What does not: what the model gets to read (`tools.framing`).
"""
