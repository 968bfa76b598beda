"""Assessment: from measured defects to candidate grades and an order of repair.

Takes defects, segments and what was seen of them; gives, by standards and weights that are data files, every grade the
figures allow, the rank of each segment and the reasons for both. Candidates only: a person diagnoses.
"""
