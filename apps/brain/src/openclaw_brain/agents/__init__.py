"""Agents: how many run, from which template, what they get and write, and what becomes of a lost one.

What starts them is behind `ports.Launcher`; `processes` is the launcher of one machine.
"""
