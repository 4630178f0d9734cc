/** A worker: unpacks frames beside the page, which goes on drawing meanwhile. */

import { isMalformed, unpack } from "./room/decode.js";

addEventListener("message", async ({ data: { number, compressed, geometry } }) => {
  try {
    const frame = await unpack(compressed, geometry);
    postMessage({ number, frame }, { transfer: [frame.left.buffer, frame.right.buffer] });
  } catch (error) {
    postMessage({ number, malformed: isMalformed(error) });
  }
});
