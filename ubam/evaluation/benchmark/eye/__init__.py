"""The benchmark of the eye: outlines, landmarks and postures on pictures that taught nothing."""
