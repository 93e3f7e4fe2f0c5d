"""What is counted of accounts, for Prometheus."""

from prometheus_client import Counter

from parkingspots.kit.known import from_zero

LOGINS = Counter(
    "parkingspots_logins", "Attempts to sign in: succeeded, failed, or limited after too many of them.", ("outcome",)
)
REGISTRATIONS = Counter("parkingspots_registrations", "Accounts that were made.")
SUCCEEDED, FAILED, LIMITED = "succeeded", "failed", "limited"

from_zero(LOGINS, (SUCCEEDED, FAILED, LIMITED))
