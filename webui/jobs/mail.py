"""An e-mail to whoever started a run, when it ends; only where the server has a mail server and the person an address.

It names neither study nor subjects: mail is read on many machines.
"""

import logging
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate
from urllib.parse import unquote, urlsplit

from ubam.core.errors import UbamError
from webui.data.models import Job, User
from webui.jobs.records import HEAVY_KINDS
from webui.jobs.workplace import Workplace
from webui.settings import LOCAL_NAMES, ServerSettings

TIMEOUT_S = 20.0
PORTS = {"smtp": 587, "smtps": 465}
WORDS = {"done": "is done", "failed": "stopped with an error"}


def tell_end(place: Workplace, job_id: str) -> None:
    """Write to the person of a run that has just ended; a mail server that does not answer is logged, and no more."""
    if not place.settings.mail:
        return
    with place.database.session() as session:
        job = session.get(Job, job_id)
        user = session.get(User, job.user_id) if job is not None else None
        if job is None or user is None or job.kind not in HEAVY_KINDS or job.status not in WORDS or not user.email:
            return
        message = _message(place.settings, job, user.email)
    try:
        send(place.settings, message)
    except (OSError, smtplib.SMTPException, UbamError) as error:
        logging.getLogger("ubam").error("the end of a run could not be told by e-mail: %s", error)


def _message(settings: ServerSettings, job: Job, address: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = f"ubam: a run {WORDS[job.status]}"
    message["From"], message["To"], message["Date"] = settings.mail_from, address, formatdate()
    where = f"https://{settings.public_name}/runs/{job.target_id}" if settings.public_name else "Open ubam to see it."
    message.set_content(
        f"The run that you started on {job.created:%d %B %Y at %H:%M} UTC {WORDS[job.status]}.\n\n{where}\n\n"
        "You get this as your account names this address; take it away there to get no more.\n"
    )
    return message


def send(settings: ServerSettings, message: EmailMessage) -> None:
    """Hand a message to the mail server; a password is only sent over TLS, or to this machine itself."""
    place = urlsplit(settings.mail)
    host, secure = place.hostname or "", ssl.create_default_context()
    port = place.port or PORTS[place.scheme]
    if place.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_S, context=secure)
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_S)
    with server:
        covered = place.scheme == "smtps" or host in LOCAL_NAMES
        server.ehlo()
        if place.scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=secure)
            covered = True
        if place.username:
            if not covered:
                raise UbamError(f"{host} offers no TLS, so the password was not sent")
            server.login(unquote(place.username), unquote(place.password or ""))
        server.send_message(message)


def check_mail(address: str, sender: str) -> None:
    """Refuse a mail server that cannot be one before the service starts."""
    place = urlsplit(address)
    if place.scheme not in PORTS or not place.hostname:
        raise UbamError("--mail takes smtp://[USER:PASSWORD@]HOST[:PORT] (with TLS where it is offered) or smtps://...")
    if "@" not in sender:
        raise UbamError("--mail-from takes the address that mails come from, ubam@example.org for example.")
