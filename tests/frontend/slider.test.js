// @vitest-environment happy-dom
/** The slider of slices. */

import { beforeEach, expect, test, vi } from "vitest";
import { follow, lookAhead, move } from "../../frontend/src/shared/slider.js";
import { flush } from "./fixtures.js";

let loads;
let decode;
const shown = vi.fn();
follow(".box", shown);

beforeEach(() => {
  shown.mockClear();
  loads = [];
  decode = async () => {};
  document.body.innerHTML = `<div class="box"><input type="range" id="slice" min="1" max="9" value="3"><output>3</output>
    <img src="http://localhost/left?arm=1&slice=3" alt="Left, slice 3"><img src="http://localhost/right?slice=3" alt="Right">
    <a data-keep-slice href="http://localhost/other?slice=3"></a></div><form><input type="hidden" name="slice" value="3"></form>`;
  vi.stubGlobal("Image", class {
    set src(address) {
      this.address = address;
      loads.push(address);
    }
    get src() {
      return this.address;
    }
    decode() {
      return decode(this.address);
    }
  });
});

const box = () => document.querySelector(".box");
const sources = () => Array.from(document.querySelectorAll("img"), ({ src }) => src.replace("http://localhost", ""));

test("all pictures, the page's address, links and fields follow", async () => {
  await move(box(), 2);
  expect(sources()).toEqual(["/left?arm=1&slice=5", "/right?slice=5"]);
  expect([location.search, document.querySelector("a").href, document.querySelector("form").firstChild.value]).toEqual(
    ["?slice=5", "http://localhost/other?slice=5", "5"]);
  expect([document.querySelector("output").textContent, document.querySelector("img").alt]).toEqual(["5", "Left, slice 5"]);
});

test("the pictures change together, and to the newest wish only", async () => {
  const waiting = [];
  decode = () => new Promise((done) => waiting.push(done));
  move(box(), 1);
  move(box(), 1);
  move(box(), 1);
  waiting[0]();
  await flush();
  expect(sources()).toEqual(["/left?arm=1&slice=3", "/right?slice=3"]);
  waiting[1]();
  await flush();
  for (const done of waiting) done();
  await flush();
  expect(sources()).toEqual(["/left?arm=1&slice=6", "/right?slice=6"]);
  expect(loads.map((address) => address.at(-1)).join("")).toBe("4466");
});

test("a picture that cannot be had leaves the old one, and the slider goes on", async () => {
  decode = async (address) => {
    if (address.includes("right")) throw new Error("404");
  };
  await move(box(), 1);
  expect(sources()).toEqual(["/left?arm=1&slice=4", "/right?slice=3"]);
  decode = async () => {};
  await move(box(), 1);
  expect(sources()).toEqual(["/left?arm=1&slice=5", "/right?slice=5"]);
});

test("the neighbours are fetched within the stack", () => {
  document.querySelector("#slice").value = "9";
  lookAhead(box());
  expect(loads.map((address) => address.at(-1))).toEqual(["8", "8"]);
});

test("the range and the wheel on a picture move it, the wheel elsewhere scrolls the page", async () => {
  const send = (event, target) => document.querySelector(target).dispatchEvent(event) && flush();
  document.querySelector("#slice").value = "7";
  await send(new Event("input", { bubbles: true }), "#slice");
  await flush();
  expect(sources()[1]).toBe("/right?slice=7");
  const onPicture = new WheelEvent("wheel", { deltaY: 50, bubbles: true, cancelable: true });
  await send(onPicture, "img");
  await flush();
  expect([sources()[1], onPicture.defaultPrevented]).toEqual(["/right?slice=8", true]);
  const beside = new WheelEvent("wheel", { deltaY: 50, bubbles: true, cancelable: true });
  await send(beside, "output");
  expect([sources()[1], beside.defaultPrevented, shown.mock.calls.length]).toEqual(["/right?slice=8", false, 2]);
});
