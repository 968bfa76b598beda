"""Imagery: what was flown, before anything is looked for in it.

Takes a folder of photos or an orthomosaic; gives the flight with the SHA-256 of each file, what every picture says of
itself (EXIF, XMP of the makers), its pixels by one loader, whether it is good enough, and what had to be skipped and
why. Originals are never written to.
"""
