/** Talks to the reading room's server: JSON with the CSRF header, and one kind of error for each thing to do next. */

import { csrfToken } from "../shared/csrf.js";
import { LOCKED_ELSEWHERE } from "../shared/idle_lock.js";
import { asReader } from "./begun.js";

/** @import { Accepted, Binding, Method, Refusal, Turn } from "../server.ts" */

const TIMEOUT_MS = 20_000;
/** Tells the server, too, that this may wait (RFC 9218): `readerstudy/serving/turns.py`. */
const LATER = { Priority: "u=6" };

/**
 * What went wrong, by what to do next.
 * - `offline`: no answer, or a server that is down: try again later
 * - `expired`: sign in again
 * - `conflict`: the server's state differs; `body.code` says how
 * - `refused`: trying again will not help
 */
export class ApiError extends Error {
  /**
   * @param {"offline"|"expired"|"conflict"|"refused"} kind
   * @param {number} status HTTP status, 0 where there was none
   * @param {Refusal} body the server's JSON, `{}` where there was none
   */
  constructor(kind, status = 0, body = {}) {
    super(body.detail || kind);
    this.kind = kind;
    this.status = status;
    this.body = body;
  }

  /** Why, for the reader. */
  get words() {
    const { missing = [] } = this.body;
    return missing.length ? `missing: ${missing.join(", ")}` : this.message;
  }
}

let reader = "";

/** @param {string} code of the reader for whom this page speaks; the server refuses it where somebody else is signed in */
export function speakFor(code) {
  reader = code;
}

/** @param {number} status */
function kindOf(status) {
  if (status === 401 || status === 403) return "expired";
  if (status === 409) return "conflict";
  return status === 408 || status === 429 || status >= 500 ? "offline" : "refused";
}

/**
 * @param {string} path
 * @param {RequestInit & {headers?: Record<string, string>}} options
 * @param {number} timeout
 */
async function respond(path, options, timeout) {
  const signals = [AbortSignal.timeout(timeout), options.signal].filter((signal) => signal instanceof AbortSignal);
  const common = asReader(reader);
  try {
    const headers = { ...common.headers, ...(options.priority === "low" && LATER), ...options.headers };
    return await ensured(await fetch(path, { ...common, ...options, headers, signal: AbortSignal.any(signals) }));
  } catch (error) {
    if (options.signal?.aborted || error instanceof ApiError) throw error;
    throw new ApiError("offline");
  }
}

/**
 * @param {Response} response
 * @throws {ApiError} where it is not what was asked for
 */
async function ensured(response) {
  // A redirect can only be the sign-in page.
  if (response.type === "opaqueredirect") throw new ApiError("expired", 302);
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    if (body.code === "unlock") dispatchEvent(new Event(LOCKED_ELSEWHERE));
    throw new ApiError(kindOf(response.status), response.status, body);
  }
  return response;
}

/**
 * One JSON request; rejects with ApiError.
 * @overload
 * @param {"GET"} method
 * @param {string} path
 * @returns {Promise<Turn>}
 *
 * @overload
 * @param {Method} method
 * @param {string} path
 * @param {object|null} body
 * @param {{keepalive?: boolean, priority?: RequestPriority}} [options]
 * @returns {Promise<Accepted>}
 *
 * @param {Method} method
 * @param {string} path
 * @param {object|null} [body]
 * @param {{keepalive?: boolean, priority?: RequestPriority}} [options]
 */
export async function request(method, path, body = null, { keepalive = false, priority } = {}) {
  /** @type {Record<string, string>} */
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body) headers["Content-Type"] = "application/json";
  const response = await respond(path, { method, headers, keepalive, priority, body: body && JSON.stringify(body) }, TIMEOUT_MS);
  return response.json().catch(() => ({}));
}

/**
 * Keeps the reader's own keys.
 * @param {string} path
 * @param {Record<string, string[]>} keys
 * @returns {Promise<Binding[]>} all keys as they are then
 * @throws {ApiError}
 */
export async function saveKeys(path, keys) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": csrfToken() };
  const response = await respond(path, { method: "PUT", headers, body: JSON.stringify({ keys }) }, TIMEOUT_MS);
  return (await response.json()).keys;
}

/**
 * One compressed frame.
 * @param {string} path
 * @param {AbortSignal} signal
 * @param {RequestPriority} [priority]
 * @returns {Promise<ArrayBuffer>}
 * @throws {ApiError}
 */
export async function frame(path, signal, priority) {
  const response = await respond(path, { signal, priority }, 120_000);
  try {
    return await response.arrayBuffer();
  } catch (error) {
    if (signal.aborted) throw error;
    throw new ApiError("offline");
  }
}

/** A random UUID; `crypto.randomUUID` is missing on plain http. */
export function newKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
