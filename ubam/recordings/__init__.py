"""What the user hands in, checked: the study table, videos and keypoint files."""
