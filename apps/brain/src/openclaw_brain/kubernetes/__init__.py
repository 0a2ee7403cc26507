"""Kubernetes: the API server, agents as Jobs, what the end of a Job means, and the Lease of the leader.

Nothing outside imports it but the composition root, and only in a cluster.
"""
