"""The minute job: what happens to bookings because time goes by."""
