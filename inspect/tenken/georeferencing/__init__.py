"""Georeferencing: where the pixels of a picture lie in the world.

Takes what a picture says of itself and the surface below it (a level plane or a surface model); gives its lens and
pose, and from them the place, resolution and error of any pixel, and its footprint, in the flight's metric CRS. An
orthomosaic gives the same by its own transform.
"""
