"""What is rented out: spots, when they are open, and finding them."""
