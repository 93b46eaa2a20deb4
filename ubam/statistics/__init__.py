"""From deviations to tests: groups, sessions, slopes, time courses and effect sizes."""
