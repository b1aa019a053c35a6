from efishery_auth import passwords


def test_a_generated_password_is_long_and_plain_to_read() -> None:
    password = passwords.generate()
    assert len(password) == 20
    assert not set(password) & set("0O1lI")


def test_the_hash_is_argon2id_and_salted() -> None:
    one, two = passwords.hash_password("x"), passwords.hash_password("x")
    assert one.startswith("$argon2id$v=19$m=9216,t=1,p=1$")
    assert one != two


def test_verifies() -> None:
    hashed = passwords.hash_password("right")
    assert passwords.verify(hashed, "right")
    assert not passwords.verify(hashed, "wrong")
    assert not passwords.verify(None, "right")
    assert not passwords.verify("no hash", "right")
