// A slider of slices: [data-slices] holds the address of slice pictures, a range, an output and the picture.
"use strict";

function follow(box) {
  const range = box.querySelector("input[type=range]");
  const image = box.querySelector("img");
  const shown = box.querySelector("output");
  const address = (slice) => {
    const url = new URL(box.dataset.slices, location.href);
    url.searchParams.set("slice", slice);
    return url;
  };
  let wanted = range.value;
  let busy = false;

  // One picture at a time, always the newest wish; the old one stays until the new one can be painted.
  async function show() {
    if (busy) return;
    busy = true;
    while (image.dataset.slice !== wanted) {
      const slice = wanted;
      const next = new Image();
      next.src = address(slice);
      try {
        await next.decode();
        image.src = next.src;
      } catch {
        // the server has said why; the slider goes on
      }
      image.dataset.slice = slice;
    }
    busy = false;
    for (const near of [Number(wanted) + 1, Number(wanted) - 1]) {
      if (near >= Number(range.min) && near <= Number(range.max)) new Image().src = address(near);
    }
  }

  function go(slice) {
    range.value = slice;
    wanted = range.value;
    shown.textContent = wanted;
    const page = new URL(location.href);
    page.searchParams.set("slice", wanted);
    history.replaceState(null, "", page);
    for (const link of box.querySelectorAll("a[data-keep-slice]")) {
      const url = new URL(link.href);
      url.searchParams.set("slice", wanted);
      link.href = url;
    }
    show();
  }

  image.dataset.slice = range.value;
  range.addEventListener("input", () => go(range.value));
  image.addEventListener("wheel", (event) => {
    event.preventDefault();
    go(Number(range.value) + Math.sign(event.deltaY));
  }, { passive: false });
  show();
}

for (const box of document.querySelectorAll("[data-slices]")) follow(box);
