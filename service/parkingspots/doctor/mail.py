"""The SMTP server: whether it takes letters of ours. None is sent."""

from urllib.parse import urlsplit

import aiosmtplib

from parkingspots.doctor import mending
from parkingspots.doctor.checks import Check, Group
from parkingspots.doctor.finding import Finding, fail, ok
from parkingspots.doctor.world import World
from parkingspots.kit.mail import SmtpMailer


class Visitor(SmtpMailer):
    """Goes to the server as letters do, and leaves."""

    async def why_not(self) -> str | None:
        """What keeps letters from being sent; the server's codes, and no address."""
        client = aiosmtplib.SMTP(**self._server)
        try:
            await client.connect()  # and signs in, where there is a password
            await client.quit()
        except (aiosmtplib.SMTPException, OSError) as error:
            return self._reason(error)
        finally:
            client.close()
        return None


def of_visit(host: str, reason: str | None) -> Finding:
    if reason is None:
        return ok(f"The SMTP server {host} lets the product in.")
    mend = mending.setting("SMTP_URL", "smtp://user:password@host:587")
    return fail(f"The SMTP server {host} takes no letters: {reason.rstrip('.')}.", mend)


def _why_not(world: World) -> str | None:
    return "SMTP_URL is not set." if world.settings.smtp_url is None else None


async def _server(world: World) -> Finding:
    assert world.settings.smtp_url is not None  # noqa: S101 - see _why_not
    url = world.settings.smtp_url.get_secret_value()
    return of_visit(str(urlsplit(url).hostname), await Visitor(url, world.settings.mail_from).why_not())


GROUP = Group("mail", (Check("server", _server, seconds=15),), _why_not)
