/** The middle frame of the first pair is asked for before the room's script is there (`src/early.js`). */

/** Where the request lies until the room takes it. */
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
 */
export function begin(path, reader) {
  const response = fetch(path, asReader(reader));
  response.catch(() => {}); // said by who takes it
  Object.assign(globalThis, { [PLACE]: { path, response } });
}

/**
 * The answer to a request that was begun, once.
 * @param {string} path
 * @returns {Promise<Response>|null}
 */
export function take(path) {
  /** @type {{path: string, response: Promise<Response>}|undefined} */
  const begun = Reflect.get(globalThis, PLACE);
  if (begun?.path !== path) return null;
  Reflect.deleteProperty(globalThis, PLACE);
  return begun.response;
}
