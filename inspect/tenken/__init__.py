"""Tenken: drone photos of structures in; measured, georeferenced defects and a repair list out."""
