"""Chat: how what is to be seen gets into a chat.

Shared by the leading brain and an agent that works alone; an agent of a pool imports none of it,
but for `markdown`, by which its tools check the numbers and links of an answer.
"""
