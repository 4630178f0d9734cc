/**
 * Upload: a folder of any size is read and named piece by piece in a worker, the site says which pieces are missing,
 * those go in batches. After a lost line it goes on by itself; after a reload the same folder sends only the rest.
 */

import { csrfToken } from "../shared/csrf.js";
import { find } from "../shared/dom.js";
import { remember } from "../shared/sent_names.js";

/**
 * @import { UploadAnswers } from "../server.ts"
 * @typedef {[File, string][]} Files each with its path below what was chosen
 * @typedef {{path: string, head: Uint8Array<ArrayBuffer>, blob: Blob, part: number, parts: number, key: string}} Piece `key` once it is named
 */

const PIECE = 16 << 20; // bytes of the largest piece
const BATCH = 16 << 20; // bytes of a batch, more or less
const BATCH_PIECES = 500;
const AT_ONCE = 2; // batches under way
const PATIENCE = [1, 2, 5, 10, 20, 30]; // seconds before a batch is tried again

class Cancelled extends Error {}

/** What the site says in words; not worth trying again. */
class Refused extends Error {}

/** @param {number} seconds */
const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
/** @param {number} bytes */
const amount = (bytes) => bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
/** @param {number} seconds */
const inWords = (seconds) => seconds < 100 ? `${Math.max(1, Math.ceil(seconds))} s` : `${Math.round(seconds / 60)} min`;
/** @param {number} count */
const number = (count) => count.toLocaleString("en-GB");
/** How many files these pieces are of. @param {Piece[]} pieces */
const pathsOf = (pieces) => new Set(pieces.map((piece) => piece.path)).size;

/**
 * Every file below what was dropped.
 * @param {FileSystemEntry} entry
 * @param {() => void} seen called at each file
 * @returns {Promise<Files>}
 */
async function below(entry, seen) {
  if (entry instanceof FileSystemFileEntry) {
    seen();
    return [[await new Promise((done, no) => entry.file(done, no)), entry.fullPath.replace(/^\//, "")]];
  }
  if (!(entry instanceof FileSystemDirectoryEntry)) return [];
  const reader = entry.createReader();
  /** @type {Files} */
  const found = [];
  for (;;) { // readEntries gives at most 100 at a time
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((done, no) => reader.readEntries(done, no));
    if (!some.length) return found;
    for (const one of some) found.push(...await below(one, seen));
  }
}

/**
 * A file cut into pieces: what a piece is called begins with the path and which part of how many it is.
 * @param {File} file
 * @param {string} path
 * @returns {Piece[]}
 */
function cut(file, path) {
  const text = new TextEncoder();
  const parts = Math.max(1, Math.ceil(file.size / PIECE));
  return Array.from({ length: parts }, (_, part) => ({
    path, part: part + 1, parts, head: text.encode(`${path}\0${part + 1}\0${parts}`),
    blob: parts === 1 ? file : file.slice(part * PIECE, (part + 1) * PIECE),
    key: "",
  }));
}

/** One upload, from its files to the site's receipt. */
class Upload {
  /** @type {Piece[]} */
  pieces = [];
  total = 0;
  /** The site's number for it, once it has begun. */
  number = 0;
  cancelled = false;
  /** @type {Set<XMLHttpRequest>} */
  requests = new Set();
  /** @type {Map<string, string>} path by SHA-256 of the file */
  names = new Map();

  /**
   * @param {HTMLFormElement} form
   * @param {Files} files
   * @param {(text: string, share?: number) => void} report called as it goes
   */
  constructor(form, files, report) {
    this.form = form;
    this.files = files;
    this.report = report;
  }

  async run() {
    await this.measureAll();
    const begun = await this.ask("begin", { files: this.files.length, bytes: this.total });
    this.number = begun.upload;
    await this.readAll();
    const wanted = await this.drop();
    const known = pathsOf(this.pieces) - pathsOf(wanted);
    if (!wanted.length) throw new Refused(`Already here: ${number(known)} file${known === 1 ? "" : "s"}. Nothing was sent.`);
    for (let round = 0, lacking = wanted; ; round += 1) {
      await this.sendAll(await this.inPortions(lacking, "missing"));
      this.report("All sent. Checking …", 1);
      const keys = wanted.map((piece) => piece.key);
      const answer = await this.ask("finish", { keys, files: pathsOf(wanted), known });
      if (!answer.missing.length) {
        remember(this.form.dataset.upload ?? "", this.names);
        return this.form.dataset.next ?? "";
      }
      if (round === 2) throw new Refused("The site did not get everything. Drop the folder again: only the rest is sent.");
      lacking = answer.missing.map((place) => wanted[place]);
    }
  }

  /** The browser looks up each size on the disk: a few at a time, so that the page stays free. */
  async measureAll() {
    for (const [place, [file, path]] of this.files.entries()) {
      if (place % 200 === 0) {
        this.check();
        this.report(`Looking at ${number(place)} of ${number(this.files.length)} files`, 0);
        await wait(0);
      }
      this.total += file.size;
      this.pieces.push(...cut(file, path));
    }
  }

  /** Names every piece in a worker; the page stays free. */
  async readAll() {
    const worker = new Worker(this.form.dataset.worker ?? "");
    try {
      let done = 0;
      for (let start = 0; start < this.pieces.length; ) {
        const some = this.pieces.slice(start, start + this.next(this.pieces, start));
        const pieces = some.map(({ blob, head, part, parts }) => ({ blob, head, part, parts }));
        /** @type {{key: string, file: string|null}[]} */
        const hashes = await new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => data.error
            ? reject(new Refused("A file could not be read; it was changed, moved or locked. Drop the folder again."))
            : resolve(data.hashes);
          worker.onerror = () => reject(new Refused("The browser could not read the files. Reload the page."));
          worker.postMessage({ pieces });
        });
        this.check();
        some.forEach((piece, place) => {
          const { key, file } = hashes[place];
          piece.key = key;
          if (file) this.names.set(file, piece.path);
          done += piece.blob.size;
        });
        start += some.length;
        this.report(`Reading ${amount(done)} of ${amount(this.total)}`, this.total ? done / this.total : 1);
      }
    } finally {
      worker.terminate();
    }
  }

  /**
   * How many pieces from `start` make a batch.
   * @param {Piece[]} pieces
   * @param {number} start
   */
  next(pieces, start) {
    let bytes = 0;
    let count = 0;
    while (start + count < pieces.length && count < BATCH_PIECES && (!count || bytes + pieces[start + count].blob.size <= BATCH)) {
      bytes += pieces[start + count].blob.size;
      count += 1;
    }
    return count;
  }

  /** What is left when folders go whose every file became part of a series before. */
  async drop() {
    const known = new Set((await this.inPortions(this.pieces, "known")).map((piece) => piece.path));
    const folder = /** @param {string} path */ (path) => path.slice(0, path.lastIndexOf("/") + 1);
    const fresh = new Set(this.pieces.filter((piece) => !known.has(piece.path)).map((piece) => folder(piece.path)));
    return this.pieces.filter((piece) => fresh.has(folder(piece.path)));
  }

  /**
   * The pieces that are missing, or those that are known.
   * @param {Piece[]} pieces
   * @param {"missing"|"known"} what
   */
  async inPortions(pieces, what) {
    /** @type {Piece[]} */
    const found = [];
    for (let start = 0; start < pieces.length; start += 5000) {
      const some = pieces.slice(start, start + 5000);
      const answer = await this.ask("missing", { keys: some.map((piece) => piece.key) });
      found.push(...answer[what].map((place) => some[place]));
    }
    return found;
  }

  /** @param {Piece[]} pieces */
  async sendAll(pieces) {
    const bytes = pieces.reduce((sum, piece) => sum + piece.blob.size, 0);
    const began = performance.now();
    /** @type {Map<Piece[], number>} bytes of each batch that have left */
    const underWay = new Map();
    let sent = 0;
    const reportProgress = () => {
      const now = sent + [...underWay.values()].reduce((sum, loaded) => sum + loaded, 0);
      const rate = now / Math.max((performance.now() - began) / 1000, 0.5);
      const left = rate && bytes > now ? `, about ${inWords((bytes - now) / rate)} left` : "";
      this.report(`${amount(this.total - bytes + now)} of ${amount(this.total)}, ${amount(rate)}/s${left}`, 1 - (bytes - now) / (this.total || 1));
    };
    let start = 0;
    const lane = async () => {
      while (start < pieces.length) {
        const batch = pieces.slice(start, start + this.next(pieces, start));
        start += batch.length;
        await this.ask("pieces", pack(batch), (loaded) => { underWay.set(batch, loaded); reportProgress(); });
        underWay.delete(batch);
        sent += batch.reduce((sum, piece) => sum + piece.blob.size, 0);
        reportProgress();
      }
    };
    reportProgress();
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  /**
   * One request, tried again until the line is back; a refusal in words is thrown.
   * @template {keyof UploadAnswers} W
   * @param {W} what
   * @param {Blob|object} body
   * @param {(bytes: number) => void} [loaded] called as it leaves
   * @returns {Promise<UploadAnswers[W]>}
   */
  async ask(what, body, loaded) {
    for (let tries = 0; ; tries += 1) {
      this.check();
      const { status, answer } = await this.post(what, body, loaded);
      this.check();
      if (answer && (status === 200 || status === 201)) return answer;
      if (answer?.detail && ![401, 403, 404, 409, 429].includes(status) && !(body instanceof Blob && tries < 3)) throw new Refused(answer.detail);
      const pause = PATIENCE[Math.min(tries, PATIENCE.length - 1)];
      const why = status === 200 || status === 401 || status === 403
        ? "You are no longer signed in. Sign in again in another tab, then this goes on by itself."
        : status === 404 || status === 409 ? null
        : status === 429 ? "The site is asked too often."
        : status ? `The site answered ${status}.` : "The line is lost.";
      if (why === null) throw new Refused("The study takes no material now. Reload the page.");
      this.report(`${why} Nothing is lost; next try in ${pause} s.`);
      await wait(pause);
    }
  }

  /**
   * @template {keyof UploadAnswers} W
   * @param {W} what
   * @param {Blob|object} body
   * @param {(bytes: number) => void} [loaded]
   * @returns {Promise<{status: number, answer: (UploadAnswers[W] & {detail?: string})|null}>}
   */
  post(what, body, loaded) {
    return new Promise((done) => {
      const path = what === "begin" ? "" : what === "discard" ? `${this.number}/` : `${this.number}/${what}/`;
      const inForm = find(this.form, "[name=csrfmiddlewaretoken]", HTMLInputElement).value;
      const request = new XMLHttpRequest();
      this.requests.add(request);
      request.open(what === "discard" ? "DELETE" : "POST", this.form.dataset.upload + path);
      request.setRequestHeader("X-CSRFToken", csrfToken(inForm));
      request.setRequestHeader("Content-Type", body instanceof Blob ? "application/octet-stream" : "application/json");
      if (loaded) request.upload.addEventListener("progress", (event) => loaded(event.loaded));
      request.addEventListener("loadend", () => {
        this.requests.delete(request);
        let answer = null;
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          // the sign-in page, or nothing
        }
        done({ status: request.status, answer });
      });
      request.send(body instanceof Blob ? body : JSON.stringify(body));
    });
  }

  check() {
    if (this.cancelled) throw new Cancelled();
  }

  async cancel() {
    this.cancelled = true;
    for (const request of this.requests) request.abort();
    if (this.number) await this.post("discard", {});
  }
}

/**
 * A batch: for each piece the lengths of its head and bytes, its head, its bytes.
 * @param {Piece[]} pieces
 */
function pack(pieces) {
  return new Blob(pieces.flatMap(({ head, blob }) => {
    const lengths = new DataView(new ArrayBuffer(12));
    lengths.setUint32(0, head.length);
    lengths.setBigUint64(4, BigInt(blob.size));
    return [lengths.buffer, head, blob];
  }));
}

/** @param {HTMLFormElement} form */
function prepare(form) {
  const inputs = [...form.querySelectorAll("input[type=file]")].filter((input) => input instanceof HTMLInputElement);
  const part = /** @param {string} name */ (name) => find(form, `[data-${name}]`);
  const [sending, status, wrong, cancel] = [part("sending"), part("say"), part("error"), part("cancel")];
  const bar = find(form, "progress", HTMLProgressElement);
  const button = find(form, "button", HTMLButtonElement);
  /** @type {Upload|null} */
  let upload = null;
  part("folder").hidden = false;
  part("drop-hint").hidden = false;

  /** @param {string} text @param {number} [share] */
  const report = (text, share) => {
    status.textContent = text;
    if (share !== undefined) bar.value = 100 * share;
  };
  /** @param {boolean} busy */
  const show = (busy, error = "") => {
    sending.hidden = !busy;
    button.disabled = busy;
    wrong.textContent = error;
    wrong.hidden = !error;
  };

  /** @param {Files} list */
  const send = async (list) => {
    if (upload) return;
    if (!list.length) return void show(false, "Choose a folder or files first.");
    upload = new Upload(form, list, report);
    show(true);
    let next = null;
    try {
      next = await upload.run();
    } catch (error) {
      if (!(error instanceof Cancelled || error instanceof Refused)) throw error;
      show(false, error.message);
    } finally {
      upload = null;
    }
    if (next) location.assign(next);
  };

  cancel.addEventListener("click", async () => {
    report("Cancelling …");
    await upload?.cancel();
    location.reload();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(inputs.flatMap(({ files }) => [...files ?? []]).map((file) => [file, file.webkitRelativePath || file.name]));
  });
  window.addEventListener("beforeunload", (event) => { if (upload) event.preventDefault(); });

  // ---- drop anywhere: folders are walked
  const target = document.body;
  /** @param {boolean} over */
  const light = (over) => form.closest("[data-drop]")?.classList.toggle("over", over);
  /** @param {DragEvent} event */
  const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
  target.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    light(true);
  });
  target.addEventListener("dragleave", (event) => { if (!event.relatedTarget) light(false); });
  target.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    light(false);
    const entries = Array.from(event.dataTransfer?.items ?? [], (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
    let found = 0;
    show(true);
    try {
      const lists = await Promise.all(entries.map((entry) => below(entry, () => {
        found += 1;
        if (found % 100 === 0) report(`Looking through the folder: ${number(found)} files`, 0);
      })));
      await send(lists.flat());
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      show(false, "A file of the folder could not be read. Check it and drop the folder again.");
    }
  });
}

const form = document.querySelector("[data-upload]");
if (form instanceof HTMLFormElement) prepare(form);
