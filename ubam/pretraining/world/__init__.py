"""The training world of the eye: realistic bodies in random looks, scenes and cameras, with the truth of every pixel.

In: bodies of `anny` and `dm_control`, photographs of backgrounds (the extra `ubam[world]`). Out: pairs of short clips
of one moment in two independent looks, with outline, body coordinates and landmarks. No run of the program needs it.
"""
