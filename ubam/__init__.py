"""ubam: learn postures and behaviours from video alone, score deviations from a reference, and magnify them."""

import os

# Before torch is imported: idle threads that spin take the second core from the work (37 against 445 frames/s).
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
# Before OpenCV is imported: what it and its ffmpeg say goes to the user's terminal otherwise.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
