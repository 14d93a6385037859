"""A merchant's own program, as it asks the API."""

from dataclasses import dataclass
from typing import Any

from django.test import Client
from django.utils import timezone

from recovery import credentials
from recovery.models import Merchant

BASE = "/fourthngoal/recover/"


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any

    @property
    def error(self) -> str:
        assert set(self.body) == {"error"}
        assert set(self.body["error"]) == {"code", "message", "fields"}
        code: str = self.body["error"]["code"]
        return code

    @property
    def fields(self) -> dict[str, list[str]]:
        fields: dict[str, list[str]] = self.body["error"]["fields"]
        return fields


class Program:
    """With an API key of the merchant's."""

    def __init__(self, merchant: Merchant) -> None:
        key = credentials.new_api_key(merchant=merchant, name="shop", now=timezone.now())
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **parameters: Any) -> Answer:
        return self._answer(Client().get(BASE + path, parameters, headers=self.headers))

    def post(self, path: str, body: Any = None, **headers: str) -> Answer:
        return self._sent("post", path, {} if body is None else body, headers)

    def patch(self, path: str, body: Any) -> Answer:
        return self._sent("patch", path, body, {})

    def delete(self, path: str) -> Answer:
        return self._answer(Client().delete(BASE + path, headers=self.headers))

    def _sent(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        send = getattr(Client(), method)
        return self._answer(
            send(BASE + path, body, content_type="application/json", headers=self.headers | named)
        )

    @staticmethod
    def _answer(response: Any) -> Answer:
        return Answer(response.status_code, response.json() if response.content else None)
