"""The signature of what Drupal and this package send each other without a person behind it.

HMAC-SHA256 over method, path, time, delivery id and body, with a secret both sides know. Who records a request cannot change
it, cannot send it elsewhere, and can repeat it for :data:`TOLERANCE` seconds only, where the delivery id gives it away. The
PHP side is ``Signature.php`` of the module; both are tested with the same vectors.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping

from flowdrop_provider.errors import FlowDropError

__all__ = ["DELIVERY", "SIGNATURE", "TIMESTAMP", "TOLERANCE", "SignatureError", "sign", "signed_headers", "verify"]

SIGNATURE = "X-FlowDrop-Signature"
TIMESTAMP = "X-FlowDrop-Timestamp"
DELIVERY = "X-FlowDrop-Delivery"

#: Seconds the clocks of both sides may differ.
TOLERANCE = 300

#: Characters a secret needs; a short one can be guessed from one recorded request.
MIN_SECRET = 16


class SignatureError(FlowDropError):
    """A request is not signed, not signed by a known secret, or not from now."""

    default_code = "SIGNATURE_INVALID"


def sign(secret: str, method: str, target: str, timestamp: int, delivery: str, body: bytes) -> str:
    """Return the signature, ``v1=`` and 64 hex digits.

    :param target: the path below the receiver's base address, with its query: ``/api/flowdrop-airflow/events?x=1``.
    :param timestamp: Unix seconds.
    :param delivery: an id that a repeated delivery keeps.
    """
    digest = hashlib.sha256(body).hexdigest()
    text = "\n".join(("v1", method.upper(), target, str(timestamp), delivery, digest))
    return "v1=" + hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


def signed_headers(secret: str, method: str, target: str, body: bytes, *, now: int, delivery: str) -> dict[str, str]:
    """Return the three headers of a signed request.

    :raises SignatureError: ``SIGNATURE_SECRET_SHORT``.
    """
    if len(secret) < MIN_SECRET:
        raise SignatureError(
            f"The signing secret has fewer than {MIN_SECRET} characters.",
            code="SIGNATURE_SECRET_SHORT",
            hint="Make one with: openssl rand -hex 32.",
        )
    return {TIMESTAMP: str(now), DELIVERY: delivery, SIGNATURE: sign(secret, method, target, now, delivery, body)}


def verify(secrets: Iterable[str], method: str, target: str, headers: Mapping[str, str], body: bytes, *, now: int) -> str:
    """Return the delivery id of a request that is signed with one of ``secrets``.

    :param secrets: newest first; two while a secret is being exchanged. Short ones are passed over.
    :param headers: looked up in lower case.
    :raises SignatureError: ``SIGNATURE_MISSING``, ``SIGNATURE_EXPIRED`` or ``SIGNATURE_INVALID``.
    """
    found = {name: headers.get(name.lower(), "") for name in (SIGNATURE, TIMESTAMP, DELIVERY)}
    if not all(found.values()):
        raise SignatureError("The request is not signed.", code="SIGNATURE_MISSING")
    stamp = found[TIMESTAMP]
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12 and abs(now - int(stamp)) <= TOLERANCE):
        raise SignatureError(
            "The request was signed too long ago, or in the future.",
            code="SIGNATURE_EXPIRED",
            hint="Check the clocks of both machines.",
        )
    given = found[SIGNATURE].encode()
    known = [secret for secret in secrets if len(secret) >= MIN_SECRET]
    fits = [hmac.compare_digest(sign(key, method, target, int(stamp), found[DELIVERY], body).encode(), given) for key in known]
    if not any(fits):
        raise SignatureError("The signature does not fit.", hint="Both sides need the same secret.")
    return found[DELIVERY]
