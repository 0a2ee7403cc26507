"""`openclaw doctor`: check this machine, the settings, the roles and the servers that a run needs.

What belongs here: a module for each area that is checked. Not: the rules of settings and roles themselves, which brain and core hold.
"""
