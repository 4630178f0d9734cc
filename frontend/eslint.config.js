import js from "@eslint/js";

export default [
  js.configs.recommended,
  {
    rules: {
      // tsc knows what is there; so the globals of browser, worker and Node need no list.
      "no-undef": "off",
      curly: ["error", "multi-line"],
      eqeqeq: "error",
      "no-shadow": "error",
      "no-var": "error",
      "object-shorthand": "error",
      "prefer-const": "error",
      "prefer-template": "error",
    },
  },
  {
    // What browsers too old for the rest still have to understand.
    files: ["**/src/engine.js"],
    languageOptions: { ecmaVersion: 5, sourceType: "script" },
    rules: { "no-var": "off", "object-shorthand": "off", "prefer-template": "off" },
  },
];
