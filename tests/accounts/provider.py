"""A small provider of OpenID Connect on this machine, as a clinic's would be: RS256, code flow with PKCE."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "reader study", "of both"


@dataclass
class Provider:
    """Who signs in there next, and what was asked."""

    url: str = ""
    claims: dict = field(default_factory=dict)
    signed_in_at: float = 0
    key: rsa.RSAPrivateKey = field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    signs_with: rsa.RSAPrivateKey | None = None
    asked: dict = field(default_factory=dict)
    codes: dict = field(default_factory=dict)

    def configuration(self) -> dict:
        at = {name: f"{self.url}/{name}" for name in ("authorization_endpoint", "token_endpoint", "userinfo_endpoint")}
        return at | {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/jwks",
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
        }

    def keys(self) -> dict:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "one", "alg": "RS256", "use": "sig"}]}

    def authorise(self, asked: dict) -> str:
        """Where the browser goes next: this provider's user is there already, or signs in at once."""
        self.asked = asked
        if asked.get("max_age") == "0":
            self.signed_in_at = time.time()
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def tokens(self, form: dict) -> dict:
        asked = self.codes.pop(form["code"])
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form["code_verifier"].encode()).digest()).rstrip(b"=")
        assert asked["code_challenge"] == challenge.decode()
        assert (form["client_id"], form["client_secret"]) == (CLIENT, SECRET)
        now = int(time.time())
        said = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 60, "auth_time": int(self.signed_in_at)}
        token = jwt.encode(said | self.claims, self.signs_with or self.key, "RS256", {"kid": "one"})
        return {"access_token": "access", "token_type": "Bearer", "id_token": token}


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, served on a port of its own."""
    there = Provider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            answers = {
                "/.well-known/openid-configuration": there.configuration,
                "/jwks": there.keys,
                "/userinfo_endpoint": lambda: there.claims,
            }
            self._say(answers[path]())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._say(there.tokens({name: values[0] for name, values in parse_qs(body).items()}))

        def _say(self, what: dict) -> None:
            body = json.dumps(what).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        there.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield there
        server.shutdown()
