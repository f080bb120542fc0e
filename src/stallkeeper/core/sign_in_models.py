"""How people prove who they are beside the password, and where they are signed in. These belong to a person, not to an organisation."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SecondFactor(models.Model):
    """A person's authenticator app: its secret, sealed by a key outside of the database (``core.second_factor``).

    It counts once ``confirmed_at`` says that a code of it was typed. ``last_step``: the newest time step whose code was used; none is used
    twice. ``failures`` wrong codes since ``failed_since``.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="second_factor")
    sealed = models.BinaryField()
    wrapped_by = models.CharField(max_length=32)
    begun_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    last_step = models.BigIntegerField(default=0)
    failures = models.PositiveIntegerField(default=0)
    failed_since = models.DateTimeField(null=True, blank=True)


class RecoveryCode(models.Model):
    """A way in when the authenticator app is lost: 80 random bits, of which only the hash is kept; it works once."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64)
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "code_hash"], name="recovery_code_once")]


class SignedIn(models.Model):
    """A browser in which a person is signed in: a Django session, seen from outside (``core.sessions``)."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    session_key = models.CharField(max_length=40, unique=True)
    address = models.CharField(max_length=45, blank=True)
    device = models.CharField(max_length=300, blank=True)
    """What the browser says of itself."""
    began_at = models.DateTimeField()
    seen_at = models.DateTimeField()
