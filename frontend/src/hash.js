/** A worker: names each piece of the files that it gets by SHA-256 over its head and bytes, in order. */

import { sha256 } from "@noble/hashes/sha2";

// Plain http to another host has no crypto.subtle.
const digest = crypto.subtle
  ? async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  : async (/** @type {Uint8Array} */ bytes) => sha256(bytes);

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** @param {{blob: Blob, head: Uint8Array}} piece */
async function keyOf({ blob, head }) {
  const content = new Uint8Array(await blob.arrayBuffer());
  const named = new Uint8Array(head.length + 1 + content.length);
  named.set(head);
  named[head.length] = 10;
  named.set(content, head.length + 1);
  return hex(await digest(named));
}

self.onmessage = async ({ data: { pieces } }) => {
  try {
    const keys = [];
    for (const piece of pieces) keys.push(await keyOf(piece));
    self.postMessage({ keys });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.name : String(error) });
  }
};
