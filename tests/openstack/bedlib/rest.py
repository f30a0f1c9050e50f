"""A small OpenStack client on the standard library: one request, one answer, nothing hidden.

The seed, the readiness checks and `verify` use it, so that what they see is what any thin client sees.
"""

import http.client
import json
import time
import urllib.parse
from dataclasses import dataclass
from typing import Any

from .settings import LOOPBACK, PASSWORD, REGION, Failure


@dataclass(frozen=True)
class Answer:
    """What came back, and after how long."""

    status: int
    body: Any
    seconds: float
    headers: dict[str, str]


def password_auth(user: str, project: str) -> dict:
    domain = {"id": "default"}
    return {
        "identity": {
            "methods": ["password"],
            "password": {"user": {"name": user, "password": PASSWORD, "domain": domain}},
        },
        "scope": {"project": {"name": project, "domain": domain}},
    }


def credential_auth(credential: dict) -> dict:
    """An application credential is scoped by itself: a scope in the request is refused."""
    chosen = {"id": credential["id"], "secret": credential["secret"]}
    return {
        "identity": {"methods": ["application_credential"], "application_credential": chosen}
    }


class Cloud:
    """A session with a token and the catalog that came with it."""

    def __init__(self, auth_url: str, auth: dict) -> None:
        answer = request("POST", f"{auth_url}/auth/tokens", {"auth": auth}, {})
        if answer.status != 201:
            raise Failure(f"Keystone refused a token: {answer.status} {answer.body}")
        self.login = answer
        token = answer.body["token"]
        self.user_id: str = token["user"]["id"]
        self.project_id: str = token["project"]["id"]
        self._token = answer.headers["x-subject-token"]
        self._endpoints = {
            service["type"]: endpoint["url"]
            for service in token["catalog"]
            for endpoint in service["endpoints"]
            if endpoint["interface"] == "public" and endpoint["region"] == REGION
        }

    def call(
        self,
        method: str,
        service: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Any answer is returned, a refusal too."""
        url = self._endpoints[service] + path
        return request(method, url, body, {"X-Auth-Token": self._token} | (headers or {}))

    def want(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """The body of a 2xx answer; anything else fails."""
        answer = self.call(method, service, path, body)
        if not 200 <= answer.status < 300:
            raise Failure(f"{method} {service}{path} answered {answer.status}: {answer.body}")
        return answer.body


def request(method: str, url: str, body: Any, headers: dict[str, str]) -> Answer:
    """Bytes are sent as they are, anything else as JSON."""
    parts = urllib.parse.urlsplit(url)
    headers = {"Accept": "application/json"} | headers
    if isinstance(body, bytes):
        headers["Content-Type"] = "application/octet-stream"
    elif body is not None:
        body = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.hostname or LOOPBACK, parts.port, timeout=120)
    started = time.monotonic()
    try:
        connection.request(method, target, body, headers)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"{method} {url} got no answer ({error}), see the service's log.") from error
    finally:
        connection.close()
    return Answer(
        status=response.status,
        body=_decoded(text),
        seconds=time.monotonic() - started,
        headers={key.lower(): value for key, value in response.getheaders()},
    )


def _decoded(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text.decode(errors="replace")
