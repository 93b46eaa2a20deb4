"""What every other package needs and nothing of the subject matter: errors, files, settings, types, words."""
