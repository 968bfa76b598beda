"""Running: the stages over a whole flight, in parallel, resumed where they stopped.

Takes a flight, a detector and settings; gives what was found in each unit of work, recorded in the journal as it is
done, the photos as they lie on the surface, and a folder of results in which no half file is ever seen. Also what looks
at a flight before a run and at its results after one.
"""
