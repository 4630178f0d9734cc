/** The two places of a pair. */

/** @import { Side } from "../server.ts" */

/** @type {Side[]} */
export const SIDES = ["left", "right"];

/** @param {Side} side */
export const otherSide = (side) => (side === "left" ? "right" : "left");

/**
 * One thing for each side.
 * @template T
 * @param {(side: Side) => T} make
 * @returns {Record<Side, T>}
 */
export const bySide = (make) => ({ left: make("left"), right: make("right") });
