"""What renters say about the spots they used, what owners answer, and how spots are rated."""
