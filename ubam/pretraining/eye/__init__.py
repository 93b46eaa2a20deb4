"""How the eye's network was made: trained on pairs of clips of the training world alone."""
