import { init } from "@cornerstonejs/core";

init();
