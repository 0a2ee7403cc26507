"""Roles: what a pull request may say of who answers.

The form of `roles.yaml`, its checks, and the values that are made of it. No task or chat is known here.
"""
