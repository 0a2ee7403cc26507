"""Roles: what a pull request may say of who answers.

The form of `roles.yaml`, its checks, the values that are made of it, and the order that a task gets. No chat is known here.
"""
