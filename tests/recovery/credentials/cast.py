"""Who logs in by the API: Jo, who works for a merchant."""

from typing import Any

from django.test import Client

from recovery.models import Membership, Merchant, User

EMAIL = "jo@example.com"
PASSWORD = "a long pass phrase of jo's"
TOKEN = "/fourthngoal/recover/token"
REFRESH = "/fourthngoal/recover/token/refresh"
DEFINITIONS = "/fourthngoal/recover/metrics/definitions"  # opens to every kind of key


def member(*merchants: Merchant, role: str = "owner", email: str = EMAIL) -> User:
    user = User.objects.create_user(email, PASSWORD)
    for merchant in merchants:
        Membership.objects.create(user=user, merchant=merchant, role=role)
    return user


def post(path: str, content: object, **headers: str) -> Any:
    return Client().post(path, content, content_type="application/json", headers=headers)


def log_in(email: str = EMAIL, password: str = PASSWORD, **fields: str) -> Any:
    return post(TOKEN, {"email": email, "password": password, **fields})


def refresh(token: str) -> Any:
    return post(REFRESH, {"refresh": token})


def pair(**fields: str) -> dict[str, Any]:
    answer = log_in(**fields)
    assert answer.status_code == 200, answer.content
    tokens: dict[str, Any] = answer.json()
    return tokens


def opens(token: str) -> bool:
    """Whether a Bearer token opens what every key opens; else it is a 401."""
    answer = Client().get(DEFINITIONS, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code in {200, 401}
    return bool(answer.status_code == 200)
