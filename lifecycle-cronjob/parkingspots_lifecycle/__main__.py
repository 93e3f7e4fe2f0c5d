"""Where `parkingspots-lifecycle` begins, as `python -m parkingspots_lifecycle` does."""

from parkingspots.kit.starting import made_to_last


def main() -> None:
    """Run the command line."""
    with made_to_last():
        from parkingspots_lifecycle import cli

    cli.main()


if __name__ == "__main__":
    main()
