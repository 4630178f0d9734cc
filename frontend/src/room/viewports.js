/** Two Cornerstone viewports that always show the same place, scale and window, painted in one animation frame. */

import {
  Enums,
  EVENTS,
  eventTarget,
  getRenderingCapabilities,
  getShouldUseCPURendering,
  init,
  metaData,
  RenderingEngine,
  setUseCPURendering,
  utilities,
} from "@cornerstonejs/core";
import { bySide, SIDES } from "./sides.js";

/**
 * @import { StackViewport, Types } from "@cornerstonejs/core"
 * @import { Geometry, Side } from "../server.ts"
 * @import { Frame } from "./frames.js"
 */

/** What a frame can hold: uint16. */
const RANGE = 65535;
/** Until it is looked whether the graphics driver is back, and how often it may go. */
const GRAPHICS_MS = 1000;
const MOST_LOSSES = 3;

/**
 * @typedef {object} View what both panes share
 * @property {number} halfHeight mm from the pane's centre to its upper edge
 * @property {[number, number]} centre mm from the image's centre, to the right and down
 * @property {number} lower
 * @property {number} upper both on the common range
 * @property {boolean} invert
 * @property {boolean} smooth whether pixels are interpolated
 */

export class Viewports {
  #engine;
  /** @type {Geometry|null} */
  #geometry = null;
  /** @type {Record<Side, Types.IImage>|null} */
  #images = null;
  /** @type {Partial<Record<Side, Types.Point3>>} where a new pair's camera looks */
  #home = {};
  /** @type {View|null} */
  #view = null;
  /** @type {Set<Side>} */
  #paints = new Set();
  #losses = 0;

  /**
   * @param {Record<Side, HTMLDivElement>} elements positioned boxes of equal size
   * @param {{onpaint: () => void, onresize: () => void}} events `onpaint` after both sides were painted, in the
   *   animation frame that painted them
   */
  constructor(elements, { onpaint, onresize }) {
    this.elements = elements;
    this.onpaint = onpaint;
    // One tiled canvas behind both viewports: one draw call paints both or none.
    init({ rendering: { renderingEngineMode: Enums.RenderingEngineModeEnum.Tiled }, debug: {} });
    // Where WebGL is only emulated, drawing with the processor is several times faster.
    const { webgl2, softwareRasterizer } = getRenderingCapabilities();
    if (!webgl2 || softwareRasterizer) setUseCPURendering(true, false);
    metaData.addProvider((type) => this.#metadata(type), 1000);
    for (const side of SIDES) {
      elements[side].addEventListener(EVENTS.IMAGE_RENDERED, () => this.#painted(side));
    }
    eventTarget.addEventListener(EVENTS.WEBGL_CONTEXT_LOST, () => this.#withoutGraphics());
    this.#engine = this.#build();
    new ResizeObserver(() => {
      this.#engine.resize(false, true);
      onresize();
    }).observe(elements.left);
  }

  /** Height and width of a pane in CSS pixels, and the screen's pixels to one of them. */
  get size() {
    const { clientWidth, clientHeight } = this.elements.left;
    return { width: clientWidth, height: clientHeight, ratio: devicePixelRatio };
  }

  /**
   * Puts one image on each side; both appear in the next animation frame.
   * @param {Geometry} geometry of the pair
   * @param {Frame} pixels
   * @param {View} view
   */
  show(geometry, pixels, view) {
    const fresh = geometry !== this.#geometry;
    this.#geometry = geometry;
    this.#images = bySide((side) => imageOf(side, pixels[side], geometry));
    for (const side of SIDES) this.#load(side, this.#images[side], fresh);
    this.look(view);
  }

  /**
   * Changes place, scale and window of both sides.
   * @param {View} view
   */
  look(view) {
    this.#view = view;
    if (!this.#images) return;
    const { lower, upper, invert, smooth } = view;
    const interpolationType = smooth ? Enums.InterpolationType.LINEAR : Enums.InterpolationType.NEAREST;
    for (const side of SIDES) {
      const viewport = this.#viewport(side);
      viewport.setProperties({ voiRange: { lower, upper }, invert, interpolationType }, true);
      this.#place(viewport, side, view);
    }
    this.#paints.clear();
    this.#engine.renderViewports(SIDES);
  }

  #build() {
    const engine = new RenderingEngine("pair");
    engine.setViewports(
      SIDES.map((side) => ({
        viewportId: side,
        element: this.elements[side],
        type: Enums.ViewportType.STACK,
        defaultOptions: { background: [0, 0, 0] },
      })),
    );
    return engine;
  }

  /**
   * @param {Side} side
   * @returns {StackViewport}
   */
  #viewport(side) {
    return /** @type {StackViewport} */ (this.#engine.getViewport(side));
  }

  /**
   * @param {Side} side
   * @param {Types.IImage} image
   * @param {boolean} fresh whether it is the first of a pair
   */
  #load(side, image, fresh) {
    const viewport = this.#viewport(side);
    if (fresh) {
      if (viewport.getCornerstoneImage()) viewport.setProperties({ invert: false }, true);
      // Else the CPU path would keep the extent of the pair before. In brackets, as Cornerstone calls it private.
      viewport["stackInvalidated"] = true;
    }
    viewport.renderImageObject(image);
    if (fresh) {
      viewport.resetCamera();
      this.#home[side] = viewport.getCamera().focalPoint;
    }
  }

  /**
   * Absolute, from one shared state: relative synchronisers drift.
   * @param {StackViewport} viewport
   * @param {Side} side
   * @param {View} view
   */
  #place(viewport, side, { halfHeight, centre }) {
    const geometry = this.#geometry;
    if (getShouldUseCPURendering() && geometry) {
      // Its camera is off where a CSS pixel is not a screen pixel, so the state that it draws from is set directly:
      // canvas pixels per finer image pixel, and the shift in image pixels.
      const [rowSpacing, columnSpacing] = geometry.spacing;
      sharpen(viewport.canvas);
      const state = viewport["_cpuFallbackEnabledElement"].viewport;
      state.scale = (viewport.canvas.height * Math.min(rowSpacing, columnSpacing)) / (2 * halfHeight);
      state.translation = { x: -centre[0] / columnSpacing, y: -centre[1] / rowSpacing };
      return;
    }
    const home = this.#home[side];
    const { focalPoint: from, position: eye } = viewport.getCamera();
    if (!home || !from || !eye) return;
    /** @type {Types.Point3} */
    const focalPoint = [home[0] + centre[0], home[1] + centre[1], home[2]];
    /** @type {Types.Point3} */
    const position = [eye[0] + focalPoint[0] - from[0], eye[1] + focalPoint[1] - from[1], eye[2] + focalPoint[2] - from[2]];
    viewport.setCamera({ focalPoint, position, parallelScale: halfHeight });
  }

  /** @param {Side} side */
  #painted(side) {
    this.#paints.add(side);
    if (this.#paints.size === SIDES.length) this.onpaint();
  }

  /** The graphics driver gave up: go on with the processor, until there is a driver again that does not always do so. */
  #withoutGraphics() {
    if (getShouldUseCPURendering()) return;
    this.#losses += 1;
    this.#rebuild(true);
    if (this.#losses < MOST_LOSSES) this.#awaitGraphics();
  }

  #awaitGraphics() {
    setTimeout(() => {
      if (hasGraphics()) this.#rebuild(false);
      else this.#awaitGraphics();
    }, GRAPHICS_MS);
  }

  /** @param {boolean} processor draws, not the graphics driver */
  #rebuild(processor) {
    setUseCPURendering(processor, false);
    this.#engine.destroy();
    this.#engine = this.#build();
    if (!this.#images || !this.#view) return;
    for (const side of SIDES) this.#load(side, this.#images[side], true);
    this.look(this.#view);
  }

  /**
   * The image's own plane; where it lies in the patient never reaches the browser.
   * @param {string} type
   */
  #metadata(type) {
    if (!this.#geometry) return undefined;
    const { rows, columns, spacing } = this.#geometry;
    if (type === Enums.MetadataModules.IMAGE_PLANE) {
      return {
        frameOfReferenceUID: "pair",
        rows,
        columns,
        rowCosines: [1, 0, 0],
        columnCosines: [0, 1, 0],
        imageOrientationPatient: [1, 0, 0, 0, 1, 0],
        imagePositionPatient: [0, 0, 0],
        rowPixelSpacing: spacing[0],
        columnPixelSpacing: spacing[1],
        usingDefaultValues: false,
      };
    }
    if (type === Enums.MetadataModules.IMAGE_PIXEL) {
      return {
        pixelRepresentation: 0,
        bitsAllocated: 16,
        bitsStored: 16,
        highBit: 15,
        photometricInterpretation: "MONOCHROME2",
        samplesPerPixel: 1,
      };
    }
    if (type === Enums.MetadataModules.GENERAL_SERIES) return { modality: "MR" };
    return undefined;
  }
}

/** Whether a context of the graphics driver can be had. */
function hasGraphics() {
  const context = document.createElement("canvas").getContext("webgl2");
  const had = context !== null && !context.isContextLost();
  context?.getExtension("WEBGL_lose_context")?.loseContext();
  return had;
}

/**
 * Gives a canvas the screen's pixels, where Cornerstone gave it CSS pixels.
 * @param {HTMLCanvasElement} canvas
 */
function sharpen(canvas) {
  const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((length) => Math.round(length * devicePixelRatio));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
}

/**
 * @param {Side} side
 * @param {Uint16Array} pixels
 * @param {Geometry} geometry
 * @returns {Types.IImage}
 */
function imageOf(side, pixels, { rows, columns, spacing }) {
  const voxelManager = utilities.VoxelManager.createImageVoxelManager({
    width: columns,
    height: rows,
    scalarData: pixels,
    numberOfComponents: 1,
  });
  // Without `getCanvas`: only colour images are asked for it.
  return /** @type {Types.IImage} */ ({
    imageId: `pair:${side}`,
    rows,
    columns,
    height: rows,
    width: columns,
    rowPixelSpacing: spacing[0],
    columnPixelSpacing: spacing[1],
    // The same numbers for every image: nothing here may differ between sides.
    minPixelValue: 0,
    maxPixelValue: RANGE,
    windowCenter: RANGE / 2,
    windowWidth: RANGE,
    voiLUTFunction: Enums.VOILUTFunctionType.LINEAR,
    slope: 1,
    intercept: 0,
    color: false,
    rgba: false,
    invert: false,
    numberOfComponents: 1,
    dataType: "Uint16Array",
    sizeInBytes: pixels.byteLength,
    voxelManager,
    getPixelData: () => pixels,
  });
}
