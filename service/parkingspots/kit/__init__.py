"""What every room shares. Imports no room."""
