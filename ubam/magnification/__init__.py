"""From a moment and its reference to a clip whose pixels are moved along the deviation."""
