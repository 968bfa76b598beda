"""Structure: the parts that get a line in the repair list, and what was seen of them.

Takes an assets file (polygons or centre lines), or nothing, and the views of the photos; gives segments with their
names and importance inputs, and for each how much of it was seen, seen too coarsely, or not seen at all.
"""
