"""Keys as openssl writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ed25519, x25519


def pem(key: ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey) -> tuple[str, str]:
    """Give both halves of a key, the private one first."""
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return private.decode(), public.decode()
