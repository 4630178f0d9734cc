/*
 * Says at once what a browser lacks for the reading room. A script of its own, in words that old browsers know: where
 * they fail, the room itself says nothing or tries again without end.
 */
(function () {
  "use strict";
  /** @type {Record<string, boolean>} */
  var needed = {
    "JavaScript modules": "noModule" in document.createElement("script"),
    "AbortSignal.any": "AbortSignal" in window && "any" in AbortSignal && "timeout" in AbortSignal,
    DecompressionStream: "DecompressionStream" in window,
    IndexedDB: Boolean(window.indexedDB),
    "pointer events": "PointerEvent" in window,
    ResizeObserver: "ResizeObserver" in window,
    "Array.findLast": "findLast" in Array.prototype
  };
  var lacking = Object.keys(needed).filter(function (name) { return !needed[name]; });
  if (lacking.length === 0) return;

  /* The room asks for it before it begins. */
  document.documentElement.setAttribute("data-lacking", lacking.join(", "));
  var card = document.createElement("div");
  card.className = "card";
  var title = document.createElement("h1");
  title.textContent = "This browser cannot show the reading room";
  var words = document.createElement("p");
  words.textContent = "It lacks " + lacking.join(", ") + ". Open this page in Chrome, Edge or Chromium 116, Firefox 124, " +
    "Safari 17.4, or a later version of one of them. Nothing is lost; reading goes on there where it stands.";
  card.appendChild(title);
  card.appendChild(words);
  var cover = document.getElementById("cover");
  if (!cover) return;
  cover.appendChild(card);
  cover.removeAttribute("hidden");
})();
