// A click on an image of the figure is the point that the zoom shows and the arrow marks.
"use strict";

document.addEventListener("click", (event) => {
  const image = event.target.closest("#figure img[data-boxes]");
  if (!image) return;
  const frame = image.getBoundingClientRect();
  const scale = Math.min(frame.width / image.naturalWidth, frame.height / image.naturalHeight);
  const width = image.naturalWidth * scale, height = image.naturalHeight * scale;
  const across = (event.clientX - frame.left - (frame.width - width) / 2) / width;
  const down = (event.clientY - frame.top - (frame.height - height) / 2) / height;
  const [left, top, right, bottom] = JSON.parse(image.dataset.crop);
  for (const [x, y, w, h] of JSON.parse(image.dataset.boxes)) {
    const [a, b] = [(across - x) / w, (down - y) / h];
    if (a < 0 || a > 1 || b < 0 || b > 1) continue;
    const form = document.getElementById("choice");
    for (const [name, share] of [["x", left + a * (right - left)], ["y", top + b * (bottom - top)]]) {
      const input = form.elements[name];
      input.value = Math.round(share * Number(input.max));
    }
    form.elements.x.dispatchEvent(new Event("input", { bubbles: true }));
    return;
  }
});
