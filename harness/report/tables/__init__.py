"""Subjects, each described once: the columns of its table, which every medium draws."""
