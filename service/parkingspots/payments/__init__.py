"""Payments: what a renter pays, what goes back, what the owner gets, and a ledger of it."""
