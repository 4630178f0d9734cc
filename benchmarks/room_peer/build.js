/** `node build.js` in a copy of this folder, after `npm install`: the page lies in built/ then. */

import { build } from "vite";

/** Readers of surface meshes want Node's modules; without them the page does not start. */
const noMeshes = {
  name: "no-meshes",
  enforce: "pre",
  resolveId: (id) => (/vtk\.js\/IO\//.test(id) ? "\0no-mesh-reader" : null),
  load: (id) => (id === "\0no-mesh-reader" ? "export default { newInstance: () => null };" : null),
};

await build({
  base: "./",
  logLevel: "error",
  plugins: [noMeshes],
  worker: { format: "es" },
  build: { target: "es2022", outDir: "built", assetsInlineLimit: 0, chunkSizeWarningLimit: 9000 },
});
