"""Where `parkingspots` begins, as `python -m parkingspots` does."""

from parkingspots.kit.starting import made_to_last


def main() -> None:
    """Run the command line."""
    with made_to_last():
        from parkingspots import cli

    cli.main()


if __name__ == "__main__":
    main()
