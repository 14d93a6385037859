import socket
import pytest


@pytest.mark.django_db
def test_db() -> None:
    from django.db import connection
    from recovery.models import User

    print(connection.vendor)
    User.objects.create_user("a@example.com")
    assert User.objects.count() == 1


def test_fixture(db: None) -> None:
    from django.contrib.auth.hashers import make_password

    assert make_password("x").startswith("md5$")


def test_redis(redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as r:
        assert r.ping()


def test_sockets() -> None:
    with socket.socket() as s, pytest.raises(RuntimeError):
        s.connect(("10.255.255.1", 80))
