import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // The tests lie outside this folder, the packages that they need in it.
  resolve: { dedupe: ["vitest"] },
  server: { fs: { allow: [".."] } },
  test: {
    dir: fileURLToPath(new URL("../tests/frontend", import.meta.url)),
    testTimeout: 60_000, // of one scenario of the model, on a busy machine
  },
});
