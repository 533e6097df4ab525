"""Sealing, wrapping, rotating and looking up."""

import pickle
import re
import unicodedata
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import ErrorCode, PermanentError
from app.store.crypto import BlindIndex, DataKey, Keyring, Place, new_index_secret

OLD_KEY = "0b" * 32
NEW_KEY = "1c" * 32
PLACE = Place(table="candidates", column="profile", row="7")

parts = st.text(alphabet=st.characters(), max_size=20)
places = st.builds(Place, table=parts, column=parts, row=parts)
any_text = st.text(alphabet=st.characters(exclude_categories=()))


@pytest.fixture(scope="module")
def ring() -> Keyring:
    return Keyring.of(NEW_KEY)


@pytest.fixture(scope="module")
def key(ring: Keyring) -> DataKey:
    return ring.new_data_key(uuid4())[0]


@pytest.fixture(scope="module")
def index() -> BlindIndex:
    return BlindIndex(bytes(32))


def refusal(error: pytest.ExceptionInfo[PermanentError]) -> object:
    assert error.value.code is ErrorCode.ENCRYPTION_ERROR
    return error.value.details["reason"]


class TestFields:
    @given(text=any_text, place=places)
    def test_what_is_sealed_opens_at_its_place(self, key: DataKey, text: str, place: Place) -> None:
        assert key.open(key.seal(text, place), place) == text

    @given(first=places, second=places)
    def test_a_value_moved_elsewhere_is_refused(
        self, key: DataKey, first: Place, second: Place
    ) -> None:
        sealed, blob = key.seal("x", first), key.seal_bytes(b"x", first)
        if first == second:
            return

        with pytest.raises(PermanentError) as error:
            key.open(sealed, second)
        assert "moved" in str(refusal(error))
        with pytest.raises(PermanentError):
            key.open_bytes(blob, second)

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (Place(table="a", column="b|c", row="d"), Place(table="a|b", column="c", row="d")),
            (Place(table="a", column="", row="bc"), Place(table="a", column="b", row="c")),
            (Place(table="", column="a", row="b"), Place(table="a", column="", row="b")),
        ],
    )
    def test_no_place_reads_like_another(self, key: DataKey, first: Place, second: Place) -> None:
        with pytest.raises(PermanentError):
            key.open(key.seal("x", first), second)

    def test_the_form_is_version_key_nonce_and_ciphertext(self, key: DataKey) -> None:
        sealed = key.seal("홍길동", PLACE)

        version, key_id, nonce, ciphertext = sealed.split(".")
        assert (version, UUID(key_id)) == ("v1", key.id)
        assert len(nonce) == 16
        assert re.fullmatch(r"[A-Za-z0-9_-]+", nonce + ciphertext)
        assert "홍길동" not in sealed

    def test_sealing_twice_gives_two_values(self, key: DataKey) -> None:
        assert key.seal("x", PLACE) != key.seal("x", PLACE)
        assert key.seal_bytes(b"x", PLACE) != key.seal_bytes(b"x", PLACE)

    def test_every_changed_character_is_noticed(self, key: DataKey) -> None:
        sealed = key.seal("secret", PLACE)

        for position, character in enumerate(sealed):
            changed = "A" if character != "A" else "B"
            with pytest.raises(PermanentError) as error:
                key.open(sealed[:position] + changed + sealed[position + 1 :], PLACE)
            assert error.value.code is ErrorCode.ENCRYPTION_ERROR

    def test_every_truncation_is_noticed(self, key: DataKey) -> None:
        sealed = key.seal("", PLACE)

        for length in range(len(sealed)):
            with pytest.raises(PermanentError):
                key.open(sealed[:length], PLACE)

    @pytest.mark.parametrize(
        ("sealed", "reason"),
        [
            ("", "unknown version"),
            ("plain text", "unknown version"),
            ("v2.a.b.c", "unknown version"),
            ("v1.a.b", "malformed"),
            ("v1.a.b.c.d", "malformed"),
            ("v1.a.*.c", "malformed"),
            ("v1.a.한.c", "malformed"),
            ("v1.a.b.c", "malformed"),
            (f"v1.a.{'A' * 16}.AAAA", "truncated"),
            (f"v1.a.AAAA.{'A' * 40}", "truncated"),
        ],
    )
    def test_what_was_never_sealed_is_refused(self, key: DataKey, sealed: str, reason: str) -> None:
        with pytest.raises(PermanentError) as error:
            key.open(sealed, PLACE)

        assert refusal(error) == reason

    def test_a_second_spelling_of_the_same_bytes_is_refused(self, key: DataKey) -> None:
        head, _, ciphertext = key.seal("x", PLACE).rpartition(".")
        # 17 bytes end in a letter of which only two bits count.
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        spelt = alphabet[alphabet.index(ciphertext[-1]) | 1]
        assert spelt != ciphertext[-1]

        with pytest.raises(PermanentError) as error:
            key.open(f"{head}.{ciphertext[:-1]}{spelt}", PLACE)

        assert refusal(error) == "malformed"

    def test_another_data_key_opens_nothing(self, ring: Keyring, key: DataKey) -> None:
        other = ring.new_data_key(uuid4())[0]
        same_id = ring.new_data_key(key.id)[0]

        for stranger in (other, same_id):
            with pytest.raises(PermanentError):
                stranger.open(key.seal("x", PLACE), PLACE)
            with pytest.raises(PermanentError):
                stranger.open_bytes(key.seal_bytes(b"x", PLACE), PLACE)


class TestBlobs:
    @given(data=st.binary(max_size=500), place=places)
    def test_what_is_sealed_opens_at_its_place(
        self, key: DataKey, data: bytes, place: Place
    ) -> None:
        assert key.open_bytes(key.seal_bytes(data, place), place) == data

    def test_the_largest_accepted_file_can_be_sealed(self, key: DataKey) -> None:
        data = bytes(20 * 1024 * 1024)

        blob = key.seal_bytes(data, PLACE)

        assert len(blob) - len(data) == 2 + 16 + 12 + 16
        assert key.open_bytes(blob, PLACE) == data

    def test_every_changed_byte_and_every_truncation_is_noticed(self, key: DataKey) -> None:
        blob = key.seal_bytes(b"secret", PLACE)

        for position in range(len(blob)):
            changed = bytearray(blob)
            changed[position] ^= 1
            with pytest.raises(PermanentError):
                key.open_bytes(bytes(changed), PLACE)
            with pytest.raises(PermanentError):
                key.open_bytes(blob[:position], PLACE)

    def test_a_blob_is_no_field(self, key: DataKey) -> None:
        blob = key.seal_bytes(b"secret", PLACE)
        field = key.seal("secret", PLACE)

        with pytest.raises(PermanentError):
            key.open(blob.decode("latin-1"), PLACE)
        with pytest.raises(PermanentError):
            key.open_bytes(field.encode(), PLACE)


class TestKeyring:
    def test_a_wrapped_key_opens_what_the_key_sealed(self, ring: Keyring) -> None:
        key_id = uuid4()
        key, wrapped = ring.new_data_key(key_id)
        sealed = key.seal("홍길동", PLACE)

        assert ring.unwrap(key_id, wrapped).open(sealed, PLACE) == "홍길동"
        assert Keyring.of(NEW_KEY.upper()).unwrap(key_id, wrapped).open(sealed, PLACE) == "홍길동"

    def test_a_wrapped_key_opens_under_its_own_id_only(self, ring: Keyring) -> None:
        _, wrapped = ring.new_data_key(uuid4())

        with pytest.raises(PermanentError) as error:
            ring.unwrap(uuid4(), wrapped)

        assert error.value.code is ErrorCode.ENCRYPTION_ERROR

    def test_rotation_reads_the_old_key_and_writes_the_new_one(self) -> None:
        key_id = uuid4()
        before = Keyring.of(OLD_KEY)
        key, wrapped = before.new_data_key(key_id)
        sealed = key.seal("x", PLACE)
        both, after = Keyring.of(NEW_KEY, [OLD_KEY]), Keyring.of(NEW_KEY)

        assert both.unwrap(key_id, wrapped).open(sealed, PLACE) == "x"
        rewrapped = both.rewrap(key_id, wrapped)

        assert after.unwrap(key_id, rewrapped).open(sealed, PLACE) == "x"
        assert both.rewrap(key_id, rewrapped) == rewrapped
        assert both.wraps_with(wrapped) != both.wraps_with(rewrapped)
        assert both.wraps_with(rewrapped) == after.wraps_with(after.new_data_key(key_id)[1])
        assert both.wraps_with(wrapped) == before.wraps_with(wrapped)

    def test_a_key_that_was_dropped_too_early_is_named_as_the_reason(self) -> None:
        key_id = uuid4()
        _, wrapped = Keyring.of(OLD_KEY).new_data_key(key_id)

        for call in (Keyring.of(NEW_KEY).unwrap, Keyring.of(NEW_KEY).rewrap):
            with pytest.raises(PermanentError) as error:
                call(key_id, wrapped)
            assert refusal(error) == "wrapped with a key that is not in the ring"

    def test_a_damaged_key_is_refused_even_where_nothing_needs_rewrapping(
        self, ring: Keyring
    ) -> None:
        key_id = uuid4()
        _, wrapped = ring.new_data_key(key_id)
        damaged = wrapped[:-4] + ("AAAA" if wrapped[-4:] != "AAAA" else "BBBB")

        with pytest.raises(PermanentError):
            ring.rewrap(key_id, damaged)

    def test_naming_a_key_twice_changes_nothing(self) -> None:
        key_id = uuid4()
        twice = Keyring.of(NEW_KEY, [OLD_KEY, NEW_KEY])
        _, wrapped = twice.new_data_key(key_id)

        assert Keyring.of(NEW_KEY).unwrap(key_id, wrapped).id == key_id

    @pytest.mark.parametrize("key_hex", ["", "ab" * 16, "zz" * 32, "ab" * 33])
    def test_a_key_of_another_length_or_alphabet_is_refused(self, key_hex: str) -> None:
        with pytest.raises(ValueError, match="ENCRYPTION_KEY") as error:
            Keyring.of(NEW_KEY, [key_hex])

        assert not key_hex or key_hex not in str(error.value)

    def test_the_id_of_a_key_is_no_hash_of_the_key_alone(self, ring: Keyring) -> None:
        _, wrapped = ring.new_data_key(uuid4())

        assert re.fullmatch(r"[0-9a-f]{8}", ring.wraps_with(wrapped))
        assert ring.wraps_with(wrapped) != NEW_KEY[:8]


class TestStoredForms:
    """What an earlier version stored must open for ever."""

    def test_a_stored_key_field_and_blob_still_open(self) -> None:
        wrapped = (
            "v1.2abb7883.QvNSCSWbjzQE_V7v.FBAG-uCqFrV_o2cwEtItXm1Qd-kGynh"
            "kt7BlK5dXujEGFruvDSsdeguqW2Murm81"
        )
        sealed = (
            "v1.00000000000040008000000000000007.ckAirImoH9D_uMAE.djXIBuC"
            "3y61OGt26ALk_gTSCpONM-l8Ixw"
        )
        blob = bytes.fromhex(
            "76310000000000004000800000000000000755390c634e17c8655778c8754fe19bc8a39525ff12af"
            "38325940b5af13faa6259f0002"
        )

        key = Keyring.of(OLD_KEY).unwrap(UUID("00000000-0000-4000-8000-000000000007"), wrapped)

        assert key.open(sealed, PLACE) == "홍길동"
        assert key.open_bytes(blob, PLACE) == b"picture"


class TestSecrecy:
    def test_no_representation_shows_key_material(self, ring: Keyring, key: DataKey) -> None:
        material = bytes(range(32))
        shown = f"{ring!r} {ring} {key!r} {DataKey(key.id, material)!r} {BlindIndex(material)!r}"

        assert NEW_KEY[:8] not in shown
        assert material.hex()[:8] not in shown
        assert repr(material)[2:10] not in shown
        assert str(key.id) in shown

    def test_keys_cannot_be_pickled(self, ring: Keyring, key: DataKey) -> None:
        for secret in (ring, key):
            with pytest.raises(TypeError):
                pickle.dumps(secret)

    def test_a_refusal_shows_neither_value_nor_place(self, key: DataKey) -> None:
        sealed = key.seal("canary-value", Place(table="t", column="c", row="canary-row"))

        with pytest.raises(PermanentError) as error:
            key.open(sealed, PLACE)

        shown = f"{error.value} {error.value.details} {error.value.private}"
        assert "canary" not in shown
        assert sealed not in shown
        assert error.value.__cause__ is None


class TestBlindIndex:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("Gildong@Example.com", " gildong@example.com\n"),
            ("ｇｉｌｄｏｎｇ＠example.com", "gildong@example.com"),
        ],
    )
    def test_mail_addresses_are_equal_however_written(
        self, index: BlindIndex, first: str, second: str
    ) -> None:
        assert index.email(first) == index.email(second)

    @pytest.mark.parametrize(
        "written",
        [
            "01000001234",
            "010 0000 1234",
            "010.0000.1234",
            "+82 10-0000-1234",
            "+82-(0)10-0000-1234",
            "＋８２ １０ ００００ １２３４",
            "010-0000-1234",
        ],
    )
    def test_phones_are_equal_however_written(self, index: BlindIndex, written: str) -> None:
        assert index.phone(written) == index.phone("010-0000-1234")

    def test_a_national_number_is_one_of_the_given_region(self, index: BlindIndex) -> None:
        assert index.phone("(212) 555-0123", "US") == index.phone("+1 212-555-0123")
        assert index.phone("212-555-0123", "US") != index.phone("212-555-0123", "KR")

    def test_what_is_no_phone_is_compared_by_digits_else_as_it_stands(
        self, index: BlindIndex
    ) -> None:
        too_long = "1" * 300

        assert index.phone(too_long) == index.phone(f"{too_long} ")
        assert index.phone(too_long) != index.phone("1" * 301)
        assert index.phone("none") == index.phone(" None ")
        assert index.phone("none") != index.phone("n/a")

    @pytest.mark.parametrize(
        ("first", "second"),
        [
            ("홍길동", "홍 길 동"),
            ("홍길동", unicodedata.normalize("NFD", "홍길동")),
            ("Gildong Hong", "GILDONG  HONG"),
            ("Straße", "STRASSE"),
        ],
    )
    def test_names_are_equal_however_written(
        self, index: BlindIndex, first: str, second: str
    ) -> None:
        assert index.name(first) == index.name(second)

    def test_kinds_and_values_and_secrets_have_nothing_in_common(self, index: BlindIndex) -> None:
        other = BlindIndex(new_index_secret())
        found = [
            fingerprint
            for one in (index, other)
            for text in ("0100000123", "0100000124")
            for fingerprint in (
                one.email(text),
                one.phone(text),
                one.name(text),
                one.content(text.encode()),
            )
        ]

        assert len(set(found)) == len(found) == 16
        assert {len(fingerprint) for fingerprint in found} == {16}

    def test_fingerprints_never_change(self, index: BlindIndex) -> None:
        """Stored look-ups of every installation depend on these values."""
        assert {
            "email": index.email("gildong@example.com").hex(),
            "phone": index.phone("010-0000-1234").hex(),
            "name": index.name("홍길동").hex(),
            "content": index.content(b"file").hex(),
        } == {
            "email": "c59a07111b691e9401b5b68e5780b65e",
            "phone": "ae59b9f247967ef8db2a92a3e958d808",
            "name": "10c826ea6ce24a28ee5bafae0d7e006d",
            "content": "c1d8af80a2bd98b6a1934c2547ec5717",
        }

    @given(st.text(alphabet=st.characters(exclude_categories=())))
    def test_any_text_has_a_fingerprint(self, index: BlindIndex, text: str) -> None:
        assert len(index.email(text)) == len(index.phone(text)) == len(index.name(text)) == 16

    def test_secrets_are_fresh_and_long(self) -> None:
        assert len(new_index_secret()) == 32
        assert new_index_secret() != new_index_secret()
