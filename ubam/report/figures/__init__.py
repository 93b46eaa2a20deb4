"""The figures of a run, drawn with matplotlib and written as PNG and SVG."""
