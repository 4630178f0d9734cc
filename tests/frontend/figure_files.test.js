// @vitest-environment happy-dom
import { expect, test } from "vitest";

import { svgText } from "../../frontend/src/shared/figure_files.js";

test("a chart leaves the page with its colours, its description and no class", () => {
  document.body.innerHTML = `
    <style>svg .fast { fill: rgb(221, 159, 87) } .on-paper svg .fast { fill: rgb(178, 106, 20) }</style>
    <div id="figure"><svg width="40" height="20" viewBox="0 0 40 20" aria-label="FAST: median 3">
      <rect class="fast" width="10" height="5"></rect><text>3</text>
    </svg></div>`;
  const text = svgText(/** @type {SVGSVGElement} */ (document.querySelector("svg")));
  const file = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  expect(file.querySelector("desc")?.textContent).toBe("FAST: median 3");
  expect([file.getAttribute("width"), file.getAttribute("viewBox")]).toEqual(["64", "-12 -12 64 44"]);
  const [ground, bar] = file.querySelectorAll("rect");
  expect(ground.getAttribute("fill")).toBe("#fff");
  expect(bar.getAttribute("fill")).toBe("rgb(178, 106, 20)");
  expect(text).not.toContain("class=");
  expect(document.querySelector(".on-paper")).toBeNull();
  expect(document.querySelector("#figure rect")?.getAttribute("class")).toBe("fast");
});
