// @vitest-environment happy-dom
/** The map of anomalies over its image: toggle, opacity, worst places. */

import { beforeEach, expect, test, vi } from "vitest";
import { flush } from "./fixtures.js";

vi.stubGlobal("Image", class {
  async decode() {}
});
await import("../../frontend/src/pages/anomalies.js");

beforeEach(() => {
  document.body.innerHTML = `<section data-anomalies><div data-overlaid><img src="http://localhost/image?slice=3" alt="SOC, slice 3">
    <img src="http://localhost/map?slice=3" alt="Map, slice 3"></div><input type="range" id="slice" min="1" max="9" value="3"><output>3</output>
    <input type="checkbox" id="layer" checked><input type="range" id="opacity" min="0" max="100" step="10" value="70"></section>
    <a data-place="7" href="?slice=3">7</a><a data-place="2" href="?slice=3">2</a>`;
});

const opacity = () => document.querySelector("[data-overlaid]").style.getPropertyValue("--opacity");
const press = async (key) => {
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
  await flush();
};
const shown = () => [document.querySelector("#slice").value, document.querySelector("[aria-current]")?.textContent];

test("M hides the map and shows it again as it was, brackets change its opacity", async () => {
  await press("m");
  expect(opacity()).toBe("0");
  await press("M");
  expect(opacity()).toBe("0.7");
  await press("[");
  expect(opacity()).toBe("0.6");
  for (let n = 0; n < 9; n += 1) await press("]");
  expect(opacity()).toBe("1");
  await press("x");
  expect(opacity()).toBe("1");
});

test("N, P and a click go to the worst places, the worst first", async () => {
  await press("n");
  expect(shown()).toEqual(["7", "7"]);
  await press("n");
  expect(shown()).toEqual(["2", "2"]);
  await press("n");
  expect(shown()).toEqual(["7", "7"]);
  await press("p");
  expect(shown()).toEqual(["2", "2"]);
  document.querySelector("[data-place='7']").click();
  await flush();
  expect(shown()).toEqual(["7", "7"]);
  expect(location.search).toBe("?slice=7");
});

test("where no map is there yet keys do nothing", async () => {
  document.querySelector("#layer").remove();
  await press("n");
  expect(shown()).toEqual(["3", undefined]);
});
