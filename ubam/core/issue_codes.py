"""Codes of what stands against a study: programs decide by them, people read the sentence beside each."""

NOTHING_READABLE = "nothing_readable"  # no recording can be analysed
ONE_SUBJECT = "one_subject"  # it is compared with parts of itself
NO_REFERENCE_SUBJECT = "no_reference_subject"  # nobody to be compared with
ONE_REFERENCE_SUBJECT = "one_reference_subject"  # nothing speaks for other subjects
LIMITED_SINGLE_P = "limited_single_p"  # no single subject can reach p < 0.05 beside so few reference subjects
LIMITED_GROUP_P = "limited_group_p"  # nor can the test of two groups of these sizes
LEFT_OUT = "left_out"  # files that look like films and are not analysed
SPELLED_ALIKE = "spelled_alike"  # names of subjects or groups that differ in spelling only
SAME_FILM = "same_film"  # one film under two names
