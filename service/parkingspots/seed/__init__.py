"""Demo data: a marketplace in twelve Greek towns, the same rows every time from a seed and a moment."""
