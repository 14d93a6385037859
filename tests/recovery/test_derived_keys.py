"""Keys derived from one secret."""

import hashlib
import hmac

from recovery.derived_keys import derive


def test_each_purpose_has_a_key_of_its_own() -> None:
    keys = [derive("secret", purpose=purpose) for purpose in ("a", "b", "")]
    keys += [derive("secret2", purpose="a"), b"secret"]

    assert len(set(keys)) == 5
    assert {len(key) for key in keys[:4]} == {32}


def test_it_is_the_same_key_on_every_process() -> None:
    key = derive("sécret", purpose="recover-api")

    assert key == hmac.new("sécret".encode(), b"recover-api", hashlib.sha256).digest()
