"""Field encryption, data keys and the blind index.

A sealed field is `v1.<key id>.<nonce>.<ciphertext and tag>`: AES-256-GCM, 12 random bytes of nonce,
the last two parts in base64url without padding. A sealed blob has the same parts in binary. The
associated data names the place where the value is stored, so that it opens nowhere else. Whatever
does not open raises ENCRYPTION_ERROR; `details["reason"]` says why, never with a value.

Values are sealed with data keys; data keys are wrapped by a key of the ring (ENCRYPTION_KEY).
Sub-keys of the blind index are derived by HKDF (RFC 5869) from a stored secret.
"""

import base64
import hashlib
import hmac
import os
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self
from uuid import UUID

import phonenumbers
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import ErrorCode, PermanentError
from app.settings.groups import Environment
from app.settings.secrets import validate_encryption_key

_VERSION: Final = "v1"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_BITS: Final = 256
_INDEX_BYTES: Final = 16
_SECRET_BYTES: Final = 32
_PARTS: Final = 4
_BLOB_HEAD_BYTES: Final = len(_VERSION) + 16 + _NONCE_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sealed value is stored. It opens only there."""

    table: str
    column: str
    row: str


class DataKey:
    """The key of one candidate, run or tenant. Its material shows in no `repr` and no pickle."""

    __slots__ = ("_cipher", "id")

    def __init__(self, key_id: UUID, material: bytes) -> None:
        self.id = key_id
        self._cipher = AESGCM(material)

    def __repr__(self) -> str:
        return f"DataKey(id={self.id})"

    def seal(self, text: str, place: Place) -> str:
        """Encrypt a text for one place. Any text, lone surrogates of broken documents included."""
        data = text.encode("utf-8", "surrogatepass")
        return _seal(self._cipher, self.id.hex, data, _associated("field", self.id, place))

    def open(self, sealed: str, place: Place) -> str:
        """Decrypt what `seal` made for the same place."""
        sealed_with, nonce, ciphertext = _split(sealed)
        if sealed_with != self.id.hex:
            raise _refused("sealed with another data key")
        associated = _associated("field", self.id, place)
        return _open(self._cipher, nonce, ciphertext, associated).decode("utf-8", "surrogatepass")

    def seal_bytes(self, data: bytes, place: Place) -> bytes:
        """Encrypt a whole blob in memory; 20 MiB take 30 ms, so not on the event loop."""
        nonce = os.urandom(_NONCE_BYTES)
        associated = _associated("blob", self.id, place)
        head = _VERSION.encode() + self.id.bytes + nonce
        return head + self._cipher.encrypt(nonce, data, associated)

    def open_bytes(self, blob: bytes, place: Place) -> bytes:
        """Decrypt what `seal_bytes` made for the same place."""
        if len(blob) < _BLOB_HEAD_BYTES + _TAG_BYTES:
            raise _refused("truncated")
        head, ciphertext = blob[:_BLOB_HEAD_BYTES], blob[_BLOB_HEAD_BYTES:]
        version, key_id, nonce = head[:2], head[2:-_NONCE_BYTES], head[-_NONCE_BYTES:]
        if version != _VERSION.encode():
            raise _refused("unknown version")
        if key_id != self.id.bytes:
            raise _refused("sealed with another data key")
        associated = _associated("blob", self.id, place)
        return _open(self._cipher, nonce, ciphertext, associated)


class Keyring:
    """The keys that wrap data keys. The newest wraps; all of them unwrap."""

    __slots__ = ("_keys", "_newest")

    def __init__(self, keys: Mapping[str, AESGCM]) -> None:
        self._keys = dict(keys)
        self._newest = next(iter(self._keys))

    @classmethod
    def of(cls, current_hex: str, previous_hexes: Sequence[str] = ()) -> Self:
        """Build the ring, newest key first. ValueError when one is not 64 hex characters."""
        keys: dict[str, AESGCM] = {}
        for key_hex in (current_hex, *previous_hexes):
            # The strictest environment: the wrong-key message of a start, without its leniency.
            validate_encryption_key(key_hex, Environment.PRODUCTION)
            material = bytes.fromhex(key_hex)
            keys.setdefault(_key_id(material), AESGCM(material))
        return cls(keys)

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    @property
    def newest(self) -> str:
        """The id of the key that wraps what is written from now on."""
        return self._newest

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, the newest first. An id tells nothing of its key."""
        return tuple(self._keys)

    def new_data_key(self, key_id: UUID) -> tuple[DataKey, str]:
        """Make a data key; returns it, and its wrapped form to store under the same id."""
        material = AESGCM.generate_key(_KEY_BITS)
        return DataKey(key_id, material), self._wrap(key_id, material)

    def unwrap(self, key_id: UUID, wrapped: str) -> DataKey:
        """Give back the data key that was stored under this id."""
        return DataKey(key_id, self._material(key_id, wrapped))

    def rewrap(self, key_id: UUID, wrapped: str) -> str:
        """Wrap with the newest key; the same string when that is the case already."""
        material = self._material(key_id, wrapped)
        return wrapped if self.wraps_with(wrapped) == self._newest else self._wrap(key_id, material)

    def wraps_with(self, wrapped: str) -> str:
        """Tell the id of the key that wraps this: an old key that wraps anything is needed."""
        return _split(wrapped)[0]

    def _wrap(self, key_id: UUID, material: bytes) -> str:
        cipher = self._keys[self._newest]
        return _seal(cipher, self._newest, material, _framed("data key", key_id.hex))

    def _material(self, key_id: UUID, wrapped: str) -> bytes:
        wrapped_with, nonce, ciphertext = _split(wrapped)
        cipher = self._keys.get(wrapped_with)
        if cipher is None:
            raise _refused("wrapped with a key that is not in the ring")
        return _open(cipher, nonce, ciphertext, _framed("data key", key_id.hex))


class BlindIndex:
    """Keyed fingerprints that let equal values be found without storing them.

    Every method gives 16 bytes of HMAC-SHA256 under a key of its own, so the same text as a name
    and as a mail address has nothing in common.
    """

    __slots__ = ("_content", "_email", "_name", "_phone")

    def __init__(self, secret: bytes) -> None:
        self._email = _sub_key(secret, "email")
        self._phone = _sub_key(secret, "phone")
        self._name = _sub_key(secret, "name")
        self._content = _sub_key(secret, "content")

    def __repr__(self) -> str:
        return "BlindIndex()"

    def email(self, value: str) -> bytes:
        """Fingerprint a mail address; width, case and outer white space do not matter."""
        return _fingerprint(self._email, unicodedata.normalize("NFKC", value).strip().lower())

    def phone(self, value: str, region: str = "KR") -> bytes:
        """Fingerprint a phone number; how it is written does not matter.

        A number without country code is one of `region`. What is no number at all is compared by
        its digits.
        """
        return _fingerprint(self._phone, _e164(unicodedata.normalize("NFKC", value), region))

    def name(self, value: str) -> bytes:
        """Fingerprint a person's name; width, case and white space do not matter."""
        folded = unicodedata.normalize("NFKC", value).casefold()
        return _fingerprint(self._name, "".join(folded.split()))

    def content(self, data: bytes) -> bytes:
        """Fingerprint a file, byte by byte."""
        return hmac.digest(self._content, data, "sha256")[:_INDEX_BYTES]


def new_index_secret() -> bytes:
    """Make the secret of a tenant's blind index. Losing it loses every look-up."""
    return os.urandom(_SECRET_BYTES)


def _key_id(material: bytes) -> str:
    # Of a labelled hash, so that the id tells nothing of the key's own hash.
    return hashlib.sha256(b"naru encryption key id\x00" + material).hexdigest()[:8]


def _associated(kind: str, key_id: UUID, place: Place) -> bytes:
    return _framed(kind, key_id.hex, place.table, place.column, place.row)


def _framed(*parts: str) -> bytes:
    # Each part after its length: no choice of table, column and row reads like another.
    encoded = [part.encode("utf-8", "surrogatepass") for part in (_VERSION, *parts)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def _seal(cipher: AESGCM, key_id: str, data: bytes, associated: bytes) -> str:
    nonce = os.urandom(_NONCE_BYTES)
    ciphertext = cipher.encrypt(nonce, data, associated)
    return ".".join((_VERSION, key_id, _encode(nonce), _encode(ciphertext)))


def _open(cipher: AESGCM, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
    try:
        return cipher.decrypt(nonce, ciphertext, associated)
    except InvalidTag:
        raise _refused("changed, moved from its place, or of another key") from None


def _split(sealed: str) -> tuple[str, bytes, bytes]:
    parts = sealed.split(".")
    if parts[0] != _VERSION:
        raise _refused("unknown version")
    if len(parts) != _PARTS:
        raise _refused("malformed")
    nonce, ciphertext = _decode(parts[2]), _decode(parts[3])
    if len(nonce) != _NONCE_BYTES or len(ciphertext) < _TAG_BYTES:
        raise _refused("truncated")
    return parts[1], nonce, ciphertext


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(text: str) -> bytes:
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except ValueError:
        raise _refused("malformed") from None
    if _encode(data) != text:  # unused bits of the last letter: one value, one spelling
        raise _refused("malformed")
    return data


def _refused(reason: str) -> PermanentError:
    return PermanentError(ErrorCode.ENCRYPTION_ERROR, details={"reason": reason})


def _sub_key(secret: bytes, kind: str) -> bytes:
    derivation = HKDF(SHA256(), _SECRET_BYTES, salt=None, info=f"naru blind index {kind}".encode())
    return derivation.derive(secret)


def _fingerprint(key: bytes, value: str) -> bytes:
    return hmac.digest(key, value.encode("utf-8", "surrogatepass"), "sha256")[:_INDEX_BYTES]


def _e164(value: str, region: str) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        digits = "".join(filter(str.isdecimal, value))
        return digits or value.strip().lower()
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
