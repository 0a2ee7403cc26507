"""Budgets: what each user, each chat and all together may spend in a day and a month, and what a request can cost at most.

What has been spent is in the store: `openclaw_core.store.budgets`.
"""
