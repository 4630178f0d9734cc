/**
 * A worker: names each piece of the files that it gets by SHA-256 over its head and bytes, in order, and gives the
 * SHA-256 of each file with its last piece.
 */

import { sha256 } from "@noble/hashes/sha2";

// Plain http to another host has no crypto.subtle.
const digest = crypto.subtle
  ? async (/** @type {Uint8Array<ArrayBuffer>} */ bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  : async (/** @type {Uint8Array} */ bytes) => sha256(bytes);

/** @param {Uint8Array} bytes */
const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** Of a file that comes in several pieces. */
let whole = sha256.create();

/** @param {{blob: Blob, head: Uint8Array, part: number, parts: number}} piece */
async function hashesOf({ blob, head, part, parts }) {
  const content = new Uint8Array(await blob.arrayBuffer());
  const named = new Uint8Array(head.length + 1 + content.length);
  named.set(head);
  named[head.length] = 10;
  named.set(content, head.length + 1);
  const key = hex(await digest(named));
  if (parts === 1) return { key, file: hex(await digest(content)) };
  if (part === 1) whole = sha256.create();
  whole.update(content);
  return { key, file: part === parts ? hex(whole.digest()) : null };
}

self.onmessage = async ({ data: { pieces } }) => {
  try {
    const hashes = [];
    for (const piece of pieces) hashes.push(await hashesOf(piece));
    self.postMessage({ hashes });
  } catch (error) {
    self.postMessage({ error: error instanceof Error ? error.name : String(error) });
  }
};
