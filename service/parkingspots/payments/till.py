"""What money is handled with."""

from dataclasses import dataclass

from parkingspots.kit.database import Database
from parkingspots.kit.mail import Mailer
from parkingspots.payments.gateway import PaymentGateway
from parkingspots.settings import Settings


@dataclass(frozen=True)
class Till:
    """No transaction is open while the gateway is asked."""

    database: Database
    gateway: PaymentGateway
    settings: Settings
    mailer: Mailer
