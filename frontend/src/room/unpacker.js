/** Unpacks frames in a worker, or in the page where no worker starts. */

import { MalformedFrame, unpack } from "./decode.js";

/**
 * @import { Geometry } from "../server.ts"
 * @import { Frame } from "./frames.js"
 * @typedef {(compressed: ArrayBuffer, geometry: Geometry) => Promise<Frame>} Unpack
 */

/**
 * @param {string} address of the worker's script
 * @returns {Unpack}
 */
export function openUnpacker(address) {
  /** @type {Map<number, {again: () => void, done: (frame: Frame) => void, failed: (error: Error) => void}>} */
  const waiting = new Map();
  let count = 0;
  /** @type {Worker|null} */
  let worker = null;
  try {
    worker = new Worker(address);
    worker.addEventListener("message", ({ data: { number, frame, malformed } }) => {
      const { done, failed } = waiting.get(number) ?? {};
      waiting.delete(number);
      if (frame) done?.(frame);
      else failed?.(malformed ? new MalformedFrame("The frame has a wrong length.") : new Error("The frame is damaged."));
    });
    worker.addEventListener("error", () => {
      worker = null;
      for (const { again } of waiting.values()) again();
      waiting.clear();
    });
  } catch {
    worker = null;
  }
  return (compressed, geometry) => {
    if (!worker) return unpack(compressed, geometry);
    count += 1;
    const number = count;
    // Copied, not handed over: should the worker not start, the page still has it.
    worker.postMessage({ number, compressed, geometry });
    return new Promise((done, failed) => {
      waiting.set(number, { done, failed, again: () => unpack(compressed, geometry).then(done, failed) });
    });
  };
}
