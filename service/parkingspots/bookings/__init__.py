"""Who has a spot when: quotes, bookings and their lifecycle."""
