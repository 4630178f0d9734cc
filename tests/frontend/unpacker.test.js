/** Frames are unpacked in a worker, and in the page where none starts. */

import { afterEach, expect, test, vi } from "vitest";
import { MalformedFrame } from "../../frontend/src/room/decode.js";
import { openUnpacker } from "../../frontend/src/room/unpacker.js";

const geometry = { rows: 1, columns: 1 };
const zipped = (bytes) => new Response(new Blob([new Uint8Array(bytes)]).stream().pipeThrough(new CompressionStream("gzip"))).arrayBuffer();

/** A worker whose answers the test gives. */
class Hand extends EventTarget {
  asked = [];

  postMessage(message) {
    this.asked.push(message);
  }

  say(data) {
    this.dispatchEvent(new MessageEvent("message", { data }));
  }
}

let worker;
const withWorker = () => {
  vi.stubGlobal("Worker", function start(address) {
    worker = Object.assign(new Hand(), { address });
    return worker;
  });
  return openUnpacker("/static/unpack.js");
};
afterEach(() => vi.unstubAllGlobals());

test("each answer goes to who asked, whatever the order, and what is wrong is told apart", async () => {
  const unpack = withWorker();
  const all = [1, 2, 3, 4].map(() => unpack(new ArrayBuffer(1), geometry));
  expect(worker.address).toBe("/static/unpack.js");
  const [first, second, third, fourth] = worker.asked.map(({ number }) => number);
  worker.say({ number: second, frame: "b" });
  worker.say({ number: first, frame: "a" });
  worker.say({ number: third, malformed: true });
  worker.say({ number: fourth, malformed: false });
  expect(await Promise.all(all.slice(0, 2))).toEqual(["a", "b"]);
  await expect(all[2]).rejects.toBeInstanceOf(MalformedFrame);
  await expect(all[3]).rejects.not.toBeInstanceOf(MalformedFrame);
});

test.each([
  ["fails to start", () => {
    const unpack = withWorker();
    return (bytes) => {
      const found = unpack(bytes, geometry);
      worker.dispatchEvent(new Event("error"));
      return found;
    };
  }],
  ["is not allowed", () => {
    vi.stubGlobal("Worker", function refuse() {
      throw new Error("not allowed");
    });
    return (bytes) => openUnpacker("/static/unpack.js")(bytes, geometry);
  }],
])("the page unpacks itself where the worker %s", async (_, open) => {
  const { left, right } = await open()(await zipped([5, 2, 0, 0]));
  expect([left[0], right[0]]).toEqual([5, 7]);
});
