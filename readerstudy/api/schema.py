"""What the interface can do, as OpenAPI 3.1."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView

from readerstudy.accounts.authentication import SessionAuthentication
from readerstudy.api.authentication import BearerAuthentication
from readerstudy.api.endpoint import Endpoint


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = BearerAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: object) -> dict:
        return {"type": "http", "scheme": "bearer"}


class SessionScheme(OpenApiAuthenticationExtension):
    target_class = SessionAuthentication
    name = "session"

    def get_security_definition(self, auto_schema: object) -> dict:
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}


def of_the_interface(endpoints: list[tuple], **_: object) -> list[tuple]:
    """Its addresses alone, not those of the reading room."""
    return [one for one in endpoints if one[0].startswith("/api/v1/")]


PROBLEM = {
    "type": "object",
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"description": "by field"},
    },
    "required": ["type", "title", "status"],
}
PROBLEMS = {
    "400": "It was not understood.",
    "401": "No token, or none that is good.",
    "403": "The token does not allow it.",
    "404": "There is nothing here for this person.",
    "405": "Not by this method.",
    "409": "Not in the study's present state.",
    "415": "Not in this form.",
    "422": "It cannot be done, and why.",
    "429": "Too often.",
    "507": "The site's disk is full.",
}
OF_CHANGES = {"412": "It was changed meanwhile.", "428": "If-Match is missing."}


NUMBERS = ("integer", ["integer", "null"])
RANGE = ("minimum", "maximum", "format")  # of whole numbers: those of the database, which are none of the interface's


def with_problems(result: dict, **_: object) -> dict:
    """What may go wrong, at each address; and the same schema whatever database the site has."""
    for name, schema in result["components"]["schemas"].items():
        numbers = [one for one in schema.get("properties", {}).values() if one.get("type") in NUMBERS]
        for one in numbers if not name.endswith("In") else ():
            for key in RANGE:
                one.pop(key, None)
    result["components"]["schemas"]["Problem"] = PROBLEM
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path in result["paths"].values():
        for operation in path.values():
            for status, description in PROBLEMS.items():
                operation["responses"].setdefault(status, {"description": description, "content": content})
            if any(one["name"] == "If-Match" for one in operation.get("parameters", ())):
                for status, description in OF_CHANGES.items():
                    operation["responses"][status] = {"description": description, "content": content}
    return result


@extend_schema(exclude=True)
class Schema(Endpoint, SpectacularAPIView):
    """As YAML or JSON."""
