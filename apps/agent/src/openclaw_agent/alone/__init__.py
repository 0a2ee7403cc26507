"""An agent without a brain: the environment holds one task, and this process answers it and shows the answer in the chat.

An agent of a pool imports nothing from here.
"""
