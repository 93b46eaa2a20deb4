"""From postures to their distance from a reference, with intervals and controls."""
