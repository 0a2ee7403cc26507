"""Traces of tasks that have ended, made of their run records and sent by OTLP.

Off unless a collector is named: then nothing here is loaded.

What an agent measures is in `openclaw_core.tasks.timings`; the ids are in `openclaw_core.trace_ids`.
"""
