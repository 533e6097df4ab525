import pytest

from app.settings.secrets import validate_encryption_key


@pytest.mark.parametrize("env", ["production", "staging"])
def test_a_missing_key_is_required(env: str) -> None:
    with pytest.raises(ValueError, match=f"required in {env}.*openssl rand -hex 32"):
        validate_encryption_key(None, env)


@pytest.mark.parametrize("env", ["production", "staging"])
def test_a_short_key_says_how_long_it_must_be(env: str) -> None:
    with pytest.raises(ValueError, match=r"64 hex characters \(got 4\)"):
        validate_encryption_key("abcd", env)


@pytest.mark.parametrize("env", ["production", "staging"])
def test_a_key_of_other_characters_says_hexadecimal(env: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        validate_encryption_key("z" * 64, env)


@pytest.mark.parametrize("key", [None, "abcd", "z" * 64])
@pytest.mark.parametrize("env", ["development", "test"])
def test_elsewhere_it_is_a_warning(key: str | None, env: str) -> None:
    warning = validate_encryption_key(key, env)
    assert warning is not None
    assert "not set or invalid" in warning


@pytest.mark.parametrize("env", ["development", "test", "staging", "production"])
@pytest.mark.parametrize("key", ["0f" * 32, "0F" * 32])
def test_a_good_key_is_good_everywhere(key: str, env: str) -> None:
    assert validate_encryption_key(key, env) is None
