"""`python -m parkingspots_lifecycle`: the same as the command `parkingspots-lifecycle`."""

from parkingspots_lifecycle.cli import main

main()
