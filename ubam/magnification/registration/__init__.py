"""Where each pixel of a subject is in a reference subject, and the factor that a clip shows."""
