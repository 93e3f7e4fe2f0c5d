"""`python -m parkingspots`: the same as the command `parkingspots`."""

from parkingspots.cli import main

main()
