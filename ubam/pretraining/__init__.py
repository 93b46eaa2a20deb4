"""How the networks that ship were made: rendered random bodies and the training on them."""
