"""The first pass over a film comes in.

What happens in it besides the subject goes out, with its times: the picture jumps, the light changes, something much
larger comes into view.
"""
