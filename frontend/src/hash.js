// A worker: names each piece of the files that it gets by SHA-256 over its head and bytes, in order.
import { sha256 } from "@noble/hashes/sha2";

// Plain http to another host has no crypto.subtle.
const digest = crypto.subtle
  ? async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes))
  : async (bytes) => sha256(bytes);

const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

async function keyOf({ blob, head }) {
  const content = new Uint8Array(await blob.arrayBuffer());
  const named = new Uint8Array(head.length + 1 + content.length);
  named.set(head);
  named[head.length] = 10;
  named.set(content, head.length + 1);
  return hex(await digest(named));
}

self.onmessage = async ({ data: { batch, pieces } }) => {
  try {
    const keys = [];
    for (const piece of pieces) keys.push(await keyOf(piece));
    self.postMessage({ batch, keys });
  } catch (error) {
    self.postMessage({ batch, error: error.name });
  }
};
