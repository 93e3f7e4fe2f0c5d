"""Where `parkingspots-operator` begins, as `python -m parkingspots_operator` does."""

from parkingspots_operator.cli import main

if __name__ == "__main__":
    main()
