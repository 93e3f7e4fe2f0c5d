"""Who uses the product: users, their credentials and their sessions."""
