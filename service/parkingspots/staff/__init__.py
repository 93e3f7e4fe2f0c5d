"""What staff may do: find and disable users and spots. Every act stands in the audit log."""
