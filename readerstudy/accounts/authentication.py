"""Session authentication that answers 401, so that the reading room can offer to sign in again."""

from rest_framework import authentication


class SessionAuthentication(authentication.SessionAuthentication):
    def authenticate_header(self, request) -> str:
        return "Session"
