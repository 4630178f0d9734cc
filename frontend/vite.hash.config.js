import { defineConfig, mergeConfig } from "vite";
import room from "./vite.config.js";

// The worker that hashes files before they are sent. One file of its own, because a page starts it by its address.
export default defineConfig(
  mergeConfig({ ...room, plugins: [] }, {
    build: {
      emptyOutDir: false,
      rolldownOptions: { input: new URL("src/hash.js", import.meta.url).pathname, output: { entryFileNames: "hash.js" } },
    },
  }),
);
