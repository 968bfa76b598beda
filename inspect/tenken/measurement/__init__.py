"""Measurement: from pieces in tiles to whole defects with sizes.

Takes the detections of all tiles of a picture and its placement; gives each defect once, with outline, centre line and
width in pixels, and as a sighting with length, width and area on the surface, each with how far it can be trusted.
"""
