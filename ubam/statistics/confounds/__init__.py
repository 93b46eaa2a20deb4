"""What else separates the groups: light, camera, scene, and how much of the deviation follows it."""
