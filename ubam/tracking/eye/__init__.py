"""The eye: from crops of a video to the subject's outline, body coordinates and landmarks."""
