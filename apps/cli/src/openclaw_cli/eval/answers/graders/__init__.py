"""Graders: each says of one answer whether one thing holds. They are code; the same answer always gets the same grade.

What belongs here: a module for each subject, and the table of all kinds. Not: models that judge.
"""
