"""What people may ask for about their own data, across all rooms."""
