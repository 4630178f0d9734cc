/** Two stacks side by side, as the documentation of Cornerstone3D shows it: middle slice first, then the rest. */

import { cache, Enums, EVENTS, getRenderingCapabilities, imageLoader, init, RenderingEngine, setUseCPURendering } from "@cornerstonejs/core";
import { init as initLoader } from "@cornerstonejs/dicom-image-loader";

const SIDES = ["left", "right"];
const SLICES = 30;
const WIDTH = 4;

window.loaded = [];
init();
initLoader();
// As the reading room does it: the two are compared in what they load, not in how they draw.
const { webgl2, softwareRasterizer } = getRenderingCapabilities();
if (!webgl2 || softwareRasterizer) setUseCPURendering(true, false);
const engine = new RenderingEngine("peer");
engine.setViewports(SIDES.map((id) => ({ viewportId: id, element: document.getElementById(id), type: Enums.ViewportType.STACK })));
const idsOf = (side) => Array.from({ length: SLICES }, (_, n) => `wadouri:${new URL(`slices/${side}-${n}.dcm`, location.href)}`);
const middle = Math.floor(SLICES / 2);
const shown = SIDES.map(
  (side) => new Promise((done) => {
    const element = document.getElementById(side);
    element.addEventListener(EVENTS.IMAGE_RENDERED, () => engine.getViewport(side).getCornerstoneImage() && done());
  }),
);
for (const side of SIDES) engine.getViewport(side).setStack(idsOf(side), middle);
await Promise.all(shown);
const order = Array.from({ length: SLICES }, (_, n) => n).sort((a, b) => Math.abs(a - middle) - Math.abs(b - middle));
const waiting = order.slice(1).flatMap((n) => SIDES.map((side) => idsOf(side)[n]));
const next = async () => {
  for (let id = waiting.shift(); id; id = waiting.shift()) await imageLoader.loadAndCacheImage(id);
};
await Promise.all(Array.from({ length: WIDTH }, next));
window.loaded.push(performance.now());
window.bytes = cache.getCacheSize();
