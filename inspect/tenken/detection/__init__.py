"""Detection: where in a picture something is damaged.

Takes a picture as overlapping tiles, and weights with the card that vouches for them; gives `Detections` in the pixels
of each tile. Engines stand behind one protocol, `Detector`, and are imported only when they are used.
"""
