"""The bounds of histograms, in one place, so that figures can be laid beside each other."""

DURATIONS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds: from a kept answer to the longest that a client is let wait."""
SIZES = (256, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576)
"""Bytes."""
