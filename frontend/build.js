/** Builds the reading room into static/viewer/ and the scripts of the other pages into static/js/: `node build.js [--watch]`. */

import { copyFileSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "vite";

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url));
const PAGES = path("src/pages/");
const FONT = "inter-latin-wght-normal.woff2";

const NOTHING = "";
const NO_CLASS = "export default class {}";

/**
 * What Cornerstone brings for what we do not show, by what stands in its place: [module asked for, who asks, stand-in].
 * Half of the script, which a browser would fetch and evaluate before the first image.
 */
const UNUSED = [
  // Surface meshes, with XML, OBJ, PLY and STL parsers that want Node's modules.
  [/vtk\.js\/IO\//, /./, "export default { newInstance: () => null };"],
  // Drawing by WebGPU.
  [/\/WebGPU\//, /vtk\.js/, NOTHING],
  // Every viewport but that for stacks.
  [/Viewport|\/viewport3D/, /viewportTypeToViewportClass\.js$/, NO_CLASS],
  // Files of DICOM: no file of it comes here. Its log of warnings goes to the console.
  [
    /^dcmjs$/,
    /./,
    `const quiet = () => {};
    export const log = { getLogger: () => ({ trace: quiet, debug: quiet, info: quiet, warn: console.warn, error: console.error, setLevel: quiet }) };
    export const constants = {};
    export default {
      async: { AsyncDicomReader: class {} },
      utilities: { DicomMetadataListener: class {} },
      data: { DicomMetaDictionary: { dictionary: {}, nameMap: {} } },
    };`,
  ],
];
const NEEDED = /\/(StackViewport|enums\/\w+)\.js$/;

const withoutUnused = {
  name: "without-unused",
  enforce: "pre",
  resolveId: (id, importer = "") => {
    if (NEEDED.test(id)) return null;
    const at = UNUSED.findIndex(([asked, by]) => asked.test(id) && by.test(importer));
    return at < 0 ? null : `\0unused:${at}`;
  },
  load: (id) => (id.startsWith("\0unused:") ? UNUSED[id.split(":")[1]][2] : null),
};

/** Fixed file names: templates ask for them and Django's static storage adds the hash. */
async function script(input, folder, name, format) {
  await build({
    configFile: false,
    root: path("."),
    base: "./",
    publicDir: false,
    logLevel: "warn",
    plugins: [withoutUnused],
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
// The same for the worker that unpacks frames; and what runs before the room.
await script(path("src/unpack.js"), "viewer", "unpack.js", "iife");
await script(path("src/early.js"), "viewer", "early.js", "iife");
for (const name of readdirSync(PAGES)) await script(PAGES + name, "js", name, "iife");

// As it is: every browser has to understand it.
copyFileSync(path("src/engine.js"), path("../static/viewer/engine.js"));

// The one font file, where look.css expects it.
mkdirSync(path("../static/fonts"), { recursive: true });
copyFileSync(path(`node_modules/@fontsource-variable/inter/files/${FONT}`), path(`../static/fonts/${FONT}`));
