"""What a run folder holds, read and put into words and exports without torch or OpenCV."""
