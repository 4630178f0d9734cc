/** Where answers wait: the browser's IndexedDB, so that they outlast the page. */

/**
 * @import { Write } from "../server.ts"
 * @typedef {object} Store
 * @property {() => Promise<Write[]>} all
 * @property {(record: Write) => Promise<void>} put gives a new record its `id`; never fails, as a full disk must not
 *   keep an answer from being sent
 * @property {(record: Write) => Promise<void>} remove
 */

const STORE = "answers";

/**
 * @template T
 * @param {IDBRequest<T>} asked
 * @returns {Promise<T>}
 */
const settled = (asked) =>
  new Promise((done, failed) => {
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => failed(asked.error);
  });

/** @type {Store} keeps nothing: where the browser gives no storage, answers live as long as the page */
const NO_STORE = { all: async () => [], put: async () => {}, remove: async () => {} };

/** @returns {Promise<Store>} */
export async function openStore() {
  /** @type {IDBDatabase} */
  let database;
  try {
    const opening = indexedDB.open("reading", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    database = await settled(opening);
  } catch {
    return NO_STORE;
  }
  /**
   * @param {(answers: IDBObjectStore) => void} work
   * @returns {Promise<void>}
   */
  const write = (work) =>
    new Promise((done) => {
      const writing = database.transaction(STORE, "readwrite");
      writing.oncomplete = writing.onerror = writing.onabort = () => done();
      work(writing.objectStore(STORE));
    });
  return {
    all: () => settled(database.transaction(STORE).objectStore(STORE).getAll()).catch(() => []),
    put: (record) =>
      write((answers) => {
        const putting = answers.put({ ...record });
        putting.onsuccess = () => {
          record.id = Number(putting.result);
        };
      }),
    remove: ({ id }) => (id === undefined ? Promise.resolve() : write((answers) => answers.delete(id))),
  };
}
