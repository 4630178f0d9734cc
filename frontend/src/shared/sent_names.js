/**
 * Names of the files that this tab sent, by the hash of their bytes. The site keeps hashes only, because a name may
 * identify a patient; here they stay until the tab is closed.
 */

const SHORT = 16; // digits of a hash that are kept

/** @param {string} study */
const place = (study) => `sent ${study}`;

/**
 * @param {string} study
 * @param {Iterable<[string, string]>} files SHA-256 and path of each
 */
export function remember(study, files) {
  const kept = read(study);
  for (const [hash, path] of files) {
    const slash = path.lastIndexOf("/") + 1;
    (kept[path.slice(0, slash)] ??= {})[hash.slice(0, SHORT)] = path.slice(slash);
  }
  try {
    sessionStorage.setItem(place(study), JSON.stringify(kept));
  } catch {
    // Full: then the page shows hashes, as on another machine.
  }
}

/**
 * Path by SHA-256, of what this tab sent.
 * @param {string} study
 * @returns {(hash: string) => string|undefined}
 */
export function sentNames(study) {
  /** @type {Map<string, string>} */
  const names = new Map();
  for (const [folder, files] of Object.entries(read(study))) {
    for (const [hash, name] of Object.entries(files)) names.set(hash, folder + name);
  }
  return (hash) => names.get(hash.slice(0, SHORT));
}

/**
 * @param {string} study
 * @returns {Record<string, Record<string, string>>}
 */
function read(study) {
  try {
    return JSON.parse(sessionStorage.getItem(place(study)) ?? "{}");
  } catch {
    return {};
  }
}
