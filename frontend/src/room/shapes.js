/** Shapes and words of SVG over the images. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {"svg"|"line"|"circle"|"ellipse"|"polyline"|"text"} name
 * @param {Record<string, string|number>} attributes
 * @param {string} [words]
 */
export function shape(name, attributes, words = "") {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, String(value));
  node.textContent = words;
  return node;
}
