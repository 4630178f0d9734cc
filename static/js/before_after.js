// Before and after: a divider between two stacked pictures, and a slider of slices that moves all pictures together.
"use strict";

function divide(box, share) {
  const divider = box.querySelector("[data-divider]");
  divider.value = share;
  box.querySelector("[data-divided]").style.setProperty("--at", `${divider.value}%`);
}

// All pictures change at once, to the newest wish; the old ones stay until the new ones can be painted.
async function show(box) {
  if (box.busy) return;
  box.busy = true;
  const images = [...box.querySelectorAll("img")];
  const slice = () => box.querySelector("[data-slice]").value;
  let now = null;
  while (now !== slice()) {
    now = slice();
    const next = images.map((image) => {
      const url = new URL(image.src);
      url.searchParams.set("slice", now);
      return Object.assign(new Image(), { src: url });
    });
    const loaded = await Promise.allSettled(next.map((image) => image.decode()));
    images.forEach((image, number) => {
      if (loaded[number].status === "fulfilled") image.src = next[number].src;
      image.alt = image.alt.replace(/slice \d+$/, `slice ${now}`);
    });
  }
  box.busy = false;
}

function go(box, slice) {
  const range = box.querySelector("[data-slice]");
  range.value = slice;
  box.querySelector("output[for=slice]").textContent = range.value;
  const page = new URL(location.href);
  page.searchParams.set("slice", range.value);
  history.replaceState(null, "", page);
  for (const field of document.querySelectorAll("input[type=hidden][name=slice]")) field.value = range.value;
  show(box);
}

const boxOf = (event) => event.target.closest?.("[data-before-after]");

document.addEventListener("input", (event) => {
  const box = boxOf(event);
  if (box && event.target.matches("[data-divider]")) divide(box, event.target.value);
  if (box && event.target.matches("[data-slice]")) go(box, event.target.value);
});

document.addEventListener("keydown", (event) => {
  const step = { ArrowUp: 1, ArrowDown: -1 }[event.key];
  const box = boxOf(event);
  if (!box || !step || !event.target.matches("[data-divider]")) return;
  event.preventDefault();
  go(box, Number(box.querySelector("[data-slice]").value) + step);
});

function drag(event) {
  const stage = event.target.closest?.("[data-divided]");
  if (!stage || !(event.buttons & 1)) return;
  const frame = stage.getBoundingClientRect();
  divide(boxOf(event), Math.round((100 * (event.clientX - frame.left)) / frame.width));
}

document.addEventListener("pointerdown", (event) => {
  const stage = event.target.closest?.("[data-divided]");
  if (stage) stage.setPointerCapture(event.pointerId);
  drag(event);
});
document.addEventListener("pointermove", drag);

document.addEventListener("wheel", (event) => {
  const box = boxOf(event);
  if (!box || !event.target.matches("img")) return;
  event.preventDefault();
  go(box, Number(box.querySelector("[data-slice]").value) + Math.sign(event.deltaY));
}, { passive: false });
