"""Exports: a finished run's result in the formats of other programs, and a copy fit to be published.

All read ``inspection.gpkg``, the one source of truth, with what people entered in it.
"""
