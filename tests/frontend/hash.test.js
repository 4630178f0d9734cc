/** The worker that names pieces of files. */

import { createHash } from "node:crypto";
import { afterEach, expect, test, vi } from "vitest";

const CONTENT = "content";
const head = new TextEncoder().encode("folder/file\x001\x002");
const name = createHash("sha256").update(head).update("\n").update(CONTENT).digest("hex");

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

/** What the worker answers to one message. */
async function ask(data) {
  const worker = { postMessage: vi.fn() };
  vi.stubGlobal("self", worker);
  await import("../../frontend/src/hash.js");
  await worker.onmessage({ data });
  return worker.postMessage.mock.lastCall[0];
}

test.each([["with", crypto], ["without", {}]])("a piece is named alike %s the browser's own SHA-256", async (_, own) => {
  vi.stubGlobal("crypto", own);
  const piece = { blob: new Blob([CONTENT]), head, part: 1, parts: 1 };
  expect(await ask({ pieces: [piece] })).toEqual({ hashes: [{ key: name, file: sha256(CONTENT) }] });
});

test("the last piece of a file brings the hash of the whole", async () => {
  const pieces = [1, 2, 1].map((part) => ({ blob: new Blob([CONTENT]), head, part, parts: 2 }));
  const { hashes } = await ask({ pieces });
  expect(hashes.map(({ file }) => file)).toEqual([null, sha256(CONTENT + CONTENT), null]);
});

test("a file that cannot be read is said, not thrown", async () => {
  const blob = { arrayBuffer: async () => { throw new DOMException("", "NotReadableError"); } };
  expect(await ask({ pieces: [{ blob, head }] })).toEqual({ error: "NotReadableError" });
});
