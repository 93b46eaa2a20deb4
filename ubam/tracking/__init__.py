"""From a video to crops and views of its one subject."""
