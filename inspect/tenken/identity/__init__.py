"""Identity: one physical defect, one record.

Takes the sightings of all photos and what each photo shows; lays overlapping photos onto each other, joins sightings of
the same damage, and gives one `Defect` for each, with all its sightings, the best first.
"""
