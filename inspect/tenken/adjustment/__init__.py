"""Adjustment: the poses of all photos of a flight, made to agree with each other.

Takes photos and their stated poses; finds the same points of the surface in overlapping photos (tie points) and moves
the cameras, within their stated errors, until the photos agree: a bundle adjustment whose points lie on the surface.
"""
