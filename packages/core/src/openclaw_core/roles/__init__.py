"""Roles: the form of `roles.yaml`, its checks, the roles as values, and the snapshot that a task gets. `access.yaml` is beside it.

Nothing here knows a chat.
"""
