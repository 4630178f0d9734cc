/** A chart of the page as a file of its own, in the colours of print: SVG, or PNG at three times its size. */

const DRAWN = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size", "font-family"];
const SCALE = 3;
const MARGIN = 12;

/**
 * The text of an SVG file that needs no style sheet. What screen readers are told is its description.
 * @param {SVGSVGElement} chart
 */
export function svgText(chart) {
  const paper = document.createElement("div");
  paper.className = "on-paper";
  const copy = /** @type {SVGSVGElement} */ (chart.cloneNode(true));
  paper.append(copy);
  document.body.append(paper);
  for (const node of copy.querySelectorAll("*")) {
    const style = getComputedStyle(node);
    for (const name of DRAWN) {
      const value = style.getPropertyValue(name);
      if (value && !(name !== "fill" && value === "none")) node.setAttribute(name, value);
    }
  }
  for (const node of copy.querySelectorAll("[class]")) node.removeAttribute("class");
  paper.remove();
  const [width, height] = [Number(copy.getAttribute("width")), Number(copy.getAttribute("height"))];
  const description = document.createElementNS(copy.namespaceURI, "desc");
  description.textContent = copy.getAttribute("aria-label");
  const ground = document.createElementNS(copy.namespaceURI, "rect");
  const wide = width + 2 * MARGIN;
  const high = height + 2 * MARGIN;
  for (const [name, value] of Object.entries({ x: -MARGIN, y: -MARGIN, width: wide, height: high, fill: "#fff" })) {
    ground.setAttribute(name, String(value));
  }
  copy.prepend(description, ground);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.setAttribute("width", String(wide));
  copy.setAttribute("height", String(high));
  copy.setAttribute("viewBox", `${-MARGIN} ${-MARGIN} ${wide} ${high}`);
  return new XMLSerializer().serializeToString(copy);
}

/**
 * The same as PNG.
 * @param {string} text of an SVG file
 * @returns {Promise<Blob>}
 */
async function pngOf(text) {
  const picture = new Image();
  picture.src = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  await picture.decode();
  const canvas = document.createElement("canvas");
  canvas.width = SCALE * picture.naturalWidth;
  canvas.height = SCALE * picture.naturalHeight;
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(picture.src);
  return new Promise((done, failed) => {
    canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("The figure could not be drawn."))));
  });
}

/**
 * Save the chart inside an element of the page.
 * @param {HTMLElement} place
 * @param {"svg" | "png"} kind
 */
export async function saveFigure(place, kind) {
  const chart = place.querySelector("svg");
  if (!chart) return;
  const text = svgText(chart);
  const blob = kind === "svg" ? new Blob([text], { type: "image/svg+xml" }) : await pngOf(text);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = `${place.id}.${kind}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // at once it can go before the browser has read it
}
