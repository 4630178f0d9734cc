/** The first frames of the first pair are asked for before the room's script is there (`src/early.js`). */

/** Where the requests lie until the room takes them. */
const PLACE = "begun";

/**
 * How each request of the room is made.
 * @param {string} reader code
 * @returns {RequestInit & {headers: Record<string, string>}}
 */
export const asReader = (reader) => ({
  credentials: "same-origin",
  cache: "no-store",
  redirect: "manual",
  headers: { "X-Reader": reader },
});

/**
 * @param {string} path
 * @param {string} reader code
 * @returns {Promise<Response>} read to its end, as one that nobody takes must not keep a connection
 */
export function begin(path, reader) {
  const response = fetch(path, asReader(reader)).then(async (answer) => new Response(await answer.arrayBuffer(), answer));
  response.catch(() => {}); // said by who takes it
  begun().set(path, response);
  return response;
}

/**
 * The answer to a request that was begun, once.
 * @param {string} path
 * @returns {Promise<Response>|null}
 */
export function take(path) {
  const response = begun().get(path) ?? null;
  begun().delete(path);
  return response;
}

/**
 * Whether the room has not come for it yet.
 * @param {string} path
 */
export const isUntaken = (path) => begun().has(path);

/** @returns {Map<string, Promise<Response>>} by path */
function begun() {
  if (!Reflect.has(globalThis, PLACE)) Reflect.set(globalThis, PLACE, new Map());
  return Reflect.get(globalThis, PLACE);
}
