"""A few pages of a web that is not there, and the bot's processes in it.

The agents that a test starts here fetch as those of production do, by `PublicOnly` and all of its checks. Two things
differ, and both are arguments of Python: the resolver says what `pages.NAMES` says, and one loopback address counts as
public. No variable of an environment can do that.
"""
