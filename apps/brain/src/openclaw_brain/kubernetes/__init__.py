"""Kubernetes: API client, agents as Jobs, diagnosis of Jobs, and leader election by a Lease.

Only the composition root imports it, and only in a cluster.
"""
