"""How a magnified clip is laid out: side by side, overlaid, or as a strip of pictures."""
