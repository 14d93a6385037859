"""An operation as a command to try it with."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

CREDENTIALS: Mapping[str, str] = {
    "Bearer": "Authorization: Bearer $RECOVER_API_KEY",
    "InternalKey": "X-Internal-Key: $RECOVER_INTERNAL_KEY",
    "StripeSignature": "Stripe-Signature: t=1769850000,v1=5257a869e7…",
}


def curl(path: str, method: str, operation: Mapping[str, Any], *, base_url: str) -> str:
    """With the example's parameters and body, one part a line."""
    return " \\\n  ".join(_parts(path, method, operation, base_url))


def _parts(path: str, method: str, operation: Mapping[str, Any], base_url: str) -> Iterator[str]:
    parameters = [one for one in operation.get("parameters", []) if "example" in one]
    for one in parameters:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", str(one["example"]))
    query = urlencode({one["name"]: one["example"] for one in parameters if one["in"] == "query"})
    url = f"{base_url}{path}{'?' * bool(query)}{query}"
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    is_plain = method == "get" or (method == "post" and "example" in content)
    yield (
        f"curl {shlex.quote(url)}" if is_plain else f"curl -X {method.upper()} {shlex.quote(url)}"
    )
    for credential in (operation.get("security") or [{}])[0]:
        yield f'-H "{CREDENTIALS[credential]}"'
    for one in parameters:
        if one["in"] == "header":
            yield f'-H "{one["name"]}: {one["example"]}"'
    if "example" in content:
        yield '-H "Content-Type: application/json"'
        yield f"-d {shlex.quote(json.dumps(content['example'], indent=2, ensure_ascii=False))}"
