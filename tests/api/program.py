"""A program that asks the interface in the tests' own process."""

import json

from django.http import HttpResponse
from django.test import Client

from readerstudy.api import tokens
from readerstudy.api.models import Scope


class Program:
    """Of a member of a study, with a token of these scopes. etags: what it has seen last, by path."""

    def __init__(self, study, role: str = "admin", scopes=tuple(Scope.values)) -> None:
        member = study.memberships.filter(role=role).first()
        self.token, self.words = tokens.make(member=member, name="program", scopes=scopes, days=7)
        self.base = f"/api/v1/studies/{study.slug}/"
        self.etags: dict[str, str] = {}

    def ask(self, path: str, body=None, *, method: str = "", seen: str | None = "last") -> HttpResponse:
        """seen: what If-Match says; "last": as it was answered last, None: nothing."""
        method = method or ("get" if body is None else "post")
        headers = {"Authorization": f"Bearer {self.words}"}
        if seen == "last":
            seen = self.etags.get(path)
        if seen is not None and method != "get":
            headers["If-Match"] = seen
        sent = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        answer = getattr(Client(), method)(self.base + path, headers=headers, **sent)
        if "ETag" in answer:
            self.etags[path] = answer["ETag"]
        return answer

    def json(self, path: str, body=None, *, status: int = 200, **more):
        answer = self.ask(path, body, **more)
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    def patch(self, path: str, **changes):
        """Look at it, then change it."""
        self.json(path)
        return self.json(path, changes, method="patch")

    def delete(self, path: str) -> None:
        self.json(path.split("?")[0])
        self.json(path, method="delete", status=204, seen=self.etags[path.split("?")[0]])
