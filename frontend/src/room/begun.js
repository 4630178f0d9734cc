/**
 * What is begun before the room's script is there (`src/early.js`), until the room takes it: the worker that unpacks, the
 * first frames, the first picture, the strip below it.
 */

/**
 * @import { AnswerPanel } from "./answer_panel.js"
 * @import { Geometry } from "../server.ts"
 * @import { Frame } from "./frames.js"
 * @import { Unpack } from "./unpacker.js"
 *
 * @typedef {object} BegunFrame
 * @property {Promise<unknown>} arrived when its bytes are there
 * @property {Promise<Frame>} unpacked
 */

/** Where both scripts find it. */
const PLACE = "begun";

/**
 * How each request of the room is made.
 * @param {string} reader code
 * @returns {RequestInit & {headers: Record<string, string>}}
 */
export const asReader = (reader) => ({
  credentials: "same-origin",
  cache: "no-store",
  redirect: "manual",
  headers: { "X-Reader": reader },
});

class Begun {
  /** @type {Unpack|null} */
  unpack = null;
  /** @type {AnswerPanel|null} the strip as the first pair fills it, inert until the room can act on it */
  panel = null;
  /** @type {Map<string, BegunFrame>} by path */
  #frames = new Map();
  /** Settled once the first picture is on screen, or will not be. */
  picture = Promise.resolve();
  /** Whether it may still be drawn: the room has shown nothing yet. */
  first = true;

  /**
   * Asks for a frame and unpacks it.
   * @param {string} path
   * @param {Geometry} geometry
   * @param {Unpack} unpack
   * @param {RequestInit} request
   * @returns {BegunFrame}
   */
  begin(path, geometry, unpack, request) {
    const arrived = fetch(path, request).then((response) => {
      if (!response.ok) throw new Error(`${response.status}`);
      return response.arrayBuffer();
    });
    const unpacked = arrived.then((bytes) => unpack(bytes, geometry));
    unpacked.catch(() => {}); // the room asks for it again, and says why it does not come
    const frame = { arrived, unpacked };
    this.#frames.set(path, frame);
    return frame;
  }

  /**
   * A frame that was begun, once.
   * @param {string} path
   */
  take(path) {
    const frame = this.#frames.get(path) ?? null;
    this.#frames.delete(path);
    return frame;
  }

  /**
   * Whether the room has not come for a frame yet.
   * @param {string} path
   */
  isUntaken(path) {
    return this.#frames.has(path);
  }
}

/** @returns {Begun} */
export function begun() {
  if (!Reflect.has(globalThis, PLACE)) Reflect.set(globalThis, PLACE, new Begun());
  return Reflect.get(globalThis, PLACE);
}
