import { copyFileSync, mkdirSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const here = dirname(fileURLToPath(import.meta.url));
const site = resolve(here, "../static");
const font = "inter-latin-wght-normal.woff2";

/** Puts the one font file where look.css expects it. */
const copyFont = {
  name: "copy-font",
  closeBundle() {
    mkdirSync(resolve(site, "fonts"), { recursive: true });
    copyFileSync(resolve(here, "node_modules/@fontsource-variable/inter/files", font), resolve(site, "fonts", font));
  },
};

/**
 * Cornerstone reads surface meshes with XML, OBJ, PLY and STL parsers that want Node's modules. We show no meshes.
 */
const noMeshes = {
  name: "no-meshes",
  enforce: "pre",
  resolveId: (id) => (/vtk\.js\/IO\//.test(id) ? "\0no-mesh-reader" : null),
  load: (id) => (id === "\0no-mesh-reader" ? "export default { newInstance: () => null };" : null),
};

// Fixed file names: the template asks for viewer/room.js and Django's static storage adds the hash.
// One file, no workers, no wasm: the page runs under script-src 'self'.
export default defineConfig({
  root: here,
  base: "./",
  publicDir: false,
  plugins: [noMeshes, copyFont],
  build: {
    outDir: resolve(site, "viewer"),
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    chunkSizeWarningLimit: 4000,
    rolldownOptions: {
      input: resolve(here, "src/main.js"),
      output: { entryFileNames: "room.js", assetFileNames: "[name][extname]", codeSplitting: false },
    },
  },
});
