"""Agents: how many run, from which template, which files they get, and what happens to the task of a lost one.

Launchers are behind `ports.Launcher`. `local_processes` is the launcher of one machine.
"""
