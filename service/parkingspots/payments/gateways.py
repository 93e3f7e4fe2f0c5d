"""Which gateway the settings name."""

from parkingspots.payments.gateway import PaymentGateway
from parkingspots.settings import Settings


def gateway(settings: Settings) -> PaymentGateway | None:
    """Stripe, or None where payments are skipped or nothing says whose account it is."""
    if settings.skip_payment_processing or settings.stripe_secret_key is None:
        return None
    from parkingspots.payments.stripe_gateway import StripeGateway  # here: 25 MB that are not needed elsewhere

    return StripeGateway(settings)
