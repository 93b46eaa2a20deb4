"""From views to postures and behaviours: the networks, their objectives, training and models."""
