"""What is counted of accounts, for Prometheus."""

from prometheus_client import Counter

LOGINS = Counter(
    "parkingspots_logins", "Attempts to sign in: succeeded, failed, or limited after too many of them.", ("outcome",)
)
REGISTRATIONS = Counter("parkingspots_registrations", "Accounts that were made.")
SUCCEEDED, FAILED, LIMITED = "succeeded", "failed", "limited"

for _outcome in (SUCCEEDED, FAILED, LIMITED):
    LOGINS.labels(_outcome)
