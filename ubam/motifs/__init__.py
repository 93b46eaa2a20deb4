"""From behaviours to the kinds that come back: motifs, maps and nearest moments."""
