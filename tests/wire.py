"""Everything that a browser receives, by Chromium's own network log."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from playwright.sync_api import CDPSession, Page

# Differ from moment to moment, never with what is shown.
MOMENTARY = {"date", "expires", "set-cookie"}
TOKEN = re.compile(
    r'(csrfmiddlewaretoken" value=|"(?:token|previous)":\s*)"[^"]*"|"next":\s*\[[^\]]*\]|/[^/"]+(?=/frames/)'
)

# Notes in which animation frame each pane was drawn.
WATCH_DRAWING = """
window.drawn = [];
let frame = 0;
const ask = window.requestAnimationFrame.bind(window);
window.requestAnimationFrame = (then) => ask((time) => { frame = time; then(time); });
const draw = CanvasRenderingContext2D.prototype.drawImage;
CanvasRenderingContext2D.prototype.drawImage = function (...how) {
  const pane = this.canvas.closest && this.canvas.closest(".pane");
  if (pane) window.drawn.push([frame, pane.id]);
  return draw.apply(this, how);
};
"""


@dataclass
class Received:
    """One answer: address without tokens, status, headers, bytes of headers and body, times, body if no pixels."""

    address: str
    method: str
    asked_at: float
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    header_bytes: int = 0
    body_bytes: int = 0
    answered_at: float = 0.0
    last_at: float = 0.0
    body: str = ""

    @property
    def tells(self) -> tuple:
        """What must not depend on the order of the two images."""
        kept = sorted((name, value) for name, value in self.headers.items() if name not in MOMENTARY)
        return self.method, self.address, self.status, tuple(kept), self.header_bytes, self.body_bytes, self.body

    @property
    def whole(self) -> bool:
        # Chromium does not always tell the end of an answer that a script reads as a stream.
        return self.body_bytes > 0 and self.body_bytes == int(self.headers.get("content-length", -1))


class Wire:
    """Listens to a page. `of(token)` is what it received for one pair and for the room itself, in order of asking."""

    def __init__(self, page: Page) -> None:
        self.page, self.found, self.urls, self.early = page, {}, {}, {}
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        # How long a pair was open, and what was seen of it, is part of what the next visit gets: the two orders would
        # differ by which came first.
        self.session.send("Network.setBlockedURLs", {"urls": ["*/time/", "*/viewing/"]})
        self.session.on("Network.requestWillBeSent", self._asked)
        self.session.on("Network.responseReceived", self._answered)
        self.session.on("Network.responseReceivedExtraInfo", self._headers)
        self.session.on("Network.dataReceived", self._data)

    def start_afresh(self) -> None:
        """Leave the page, let what is on its way arrive, and forget all of it."""
        self.page.goto("about:blank")
        self.page.wait_for_timeout(50)
        self.found.clear()
        self.early.clear()
        self.urls.clear()

    def _asked(self, event: dict) -> None:
        request = event["request"]
        self.urls[event["requestId"]] = request["url"]
        self.found[event["requestId"]] = Received(request["url"], request["method"], event["timestamp"])
        if headers := self.early.pop(event["requestId"], None):
            self._headers(headers)

    def _answered(self, event: dict) -> None:
        if one := self.found.get(event["requestId"]):
            one.status, one.answered_at = event["response"]["status"], event["timestamp"]

    def _headers(self, event: dict) -> None:
        if one := self.found.get(event["requestId"]):
            one.headers = {name.lower(): value for name, value in event["headers"].items()}
            one.header_bytes = len(event.get("headersText", ""))
        else:
            self.early[event["requestId"]] = event  # Chromium may tell of headers before it tells of the request

    def _data(self, event: dict) -> None:
        if one := self.found.get(event["requestId"]):
            one.body_bytes, one.last_at = one.body_bytes + event["dataLength"], event["timestamp"]

    def frames(self, token: str) -> int:
        """How many frames of this pair have arrived whole."""
        return sum(f"/{token}/frames/" in self.urls[number] and one.whole for number, one in list(self.found.items()))

    def of(self, token: str) -> list[Received]:
        """Page, list and frames of the pair; other pairs are left out."""
        kept = []
        for number, one in list(self.found.items()):
            url = self.urls[number]
            own = f"/{token}/" in url and not url.endswith(("/time/", "/viewing/"))
            if not own and not url.endswith(("/room/", "/current/")):
                continue
            if "/frames/" not in url:
                body = self.session.send("Network.getResponseBody", {"requestId": number})["body"]
                one.body = TOKEN.sub("*", body)
            one.address = re.sub(r"^https?://[^/]+", "", url).replace(token, "*")
            kept.append(one)
        return kept
