/** Builds the reading room into static/viewer/ and the scripts of the other pages into static/js/: `node build.js [--watch]`. */

import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const PAGES = path("src/pages/");
const FONT = "inter-latin-wght-normal.woff2";

/**
 * Cornerstone reads surface meshes with XML, OBJ, PLY and STL parsers that want Node's modules. We show no meshes.
 */
const noMeshes = {
  name: "no-meshes",
  enforce: "pre",
  resolveId: (id) => (/vtk\.js\/IO\//.test(id) ? "\0no-mesh-reader" : null),
  load: (id) => (id === "\0no-mesh-reader" ? "export default { newInstance: () => null };" : null),
};

/** Fixed file names: templates ask for them and Django's static storage adds the hash. */
async function script(input, folder, name, format) {
  await build({
    configFile: false,
    root: path("."),
    base: "./",
    publicDir: false,
    logLevel: "warn",
    plugins: [noMeshes],
    build: {
      outDir: path(`../static/${folder}`),
      emptyOutDir: false,
      target: "es2022",
      modulePreload: false,
      chunkSizeWarningLimit: 4000,
      watch: process.argv.includes("--watch") ? {} : null,
      // One file each, no chunks, no wasm: pages run under script-src 'self'.
      rolldownOptions: { input, output: { format, entryFileNames: name, assetFileNames: "[name][extname]", codeSplitting: false } },
    },
  });
}

for (const folder of ["viewer", "js"]) rmSync(path(`../static/${folder}`), { recursive: true, force: true });
await script(path("src/room/main.js"), "viewer", "room.js", "es");
// The worker that hashes files before they are sent. One file of its own, because a page starts it by its address.
await script(path("src/hash.js"), "viewer", "hash.js", "iife");
for (const name of readdirSync(PAGES)) await script(PAGES + name, "js", name, "iife");

// As it is: every browser has to understand it.
copyFileSync(path("src/engine.js"), path("../static/viewer/engine.js"));

// The one font file, where look.css expects it.
mkdirSync(path("../static/fonts"), { recursive: true });
copyFileSync(path(`node_modules/@fontsource-variable/inter/files/${FONT}`), path(`../static/fonts/${FONT}`));
