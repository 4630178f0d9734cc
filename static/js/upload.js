// Upload: a folder of any size is read and named piece by piece in a worker, the site says which pieces are missing,
// those go in batches. After a lost line it goes on by itself; after a reload the same folder sends only the rest.
"use strict";

const PIECE = 16 << 20; // bytes of the largest piece
const BATCH = 16 << 20; // bytes of a batch, more or less
const BATCH_PIECES = 500;
const AT_ONCE = 2; // batches under way
const PATIENCE = [1, 2, 5, 10, 20, 30]; // seconds before a batch is tried again

class Cancelled extends Error {}

/** What the site says in words; not worth trying again. */
class Refused extends Error {}

const wait = (seconds) => new Promise((done) => setTimeout(done, 1000 * seconds));
const amount = (bytes) => bytes > 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${(bytes / 1e6).toFixed(1)} MB`;
const inWords = (seconds) => seconds < 100 ? `${Math.max(1, Math.ceil(seconds))} s` : `${Math.round(seconds / 60)} min`;
const number = (count) => count.toLocaleString("en-GB");

/** The token of the page may be older than the session, after signing in again in another tab. */
function csrfToken(form) {
  const cookie = document.cookie.split("; ").find((one) => one.startsWith("csrftoken="));
  return cookie ? cookie.split("=")[1] : form.querySelector("[name=csrfmiddlewaretoken]").value;
}

/** Every file below what was dropped, as [file, path]. */
async function below(entry, seen) {
  if (entry.isFile) {
    seen(1);
    return [[await new Promise((done, no) => entry.file(done, no)), entry.fullPath.replace(/^\//, "")]];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) { // readEntries gives at most 100 at a time
    const some = await new Promise((done, no) => reader.readEntries(done, no));
    if (!some.length) return found;
    for (const one of some) found.push(...await below(one, seen));
  }
}

/** A file cut into pieces: what a piece is called begins with the path and which part of how many it is. */
function cut(file, path) {
  const text = new TextEncoder();
  const parts = Math.max(1, Math.ceil(file.size / PIECE));
  return Array.from({ length: parts }, (_, part) => ({
    path, head: text.encode(`${path}\0${part + 1}\0${parts}`),
    blob: parts === 1 ? file : file.slice(part * PIECE, (part + 1) * PIECE),
  }));
}

/** One upload, from its files to the site's receipt. `say(text, share)` is called as it goes. */
class Upload {
  constructor(form, files, say) {
    this.form = form;
    this.files = files;
    this.say = say;
    this.pieces = [];
    this.total = 0;
    this.requests = new Set();
    this.cancelled = false;
  }

  async run() {
    await this.measureAll();
    const begun = await this.ask("", { files: this.files.length, bytes: this.total });
    this.number = begun.upload;
    await this.readAll();
    const wanted = await this.drop();
    if (!wanted.length) throw new Refused("All of these files are here already. Nothing was sent.");
    for (let round = 0, lacking = wanted; ; round += 1) {
      await this.sendAll(await this.missing(lacking));
      this.say("All sent. Checking …", 1);
      const keys = wanted.map((piece) => piece.key);
      const files = new Set(wanted.map((piece) => piece.path)).size;
      const answer = await this.ask(`${this.number}/finish/`, { keys, files });
      if (!answer.missing.length) return answer.next;
      if (round === 2) throw new Refused("The site did not get everything. Drop the folder again: only the rest is sent.");
      lacking = answer.missing.map((place) => wanted[place]);
    }
  }

  /** The browser looks up each size on the disk: a few at a time, so that the page stays free. */
  async measureAll() {
    for (const [place, [file, path]] of this.files.entries()) {
      if (place % 200 === 0) {
        this.check();
        this.say(`Looking at ${number(place)} of ${number(this.files.length)} files`, 0);
        await wait(0);
      }
      this.total += file.size;
      this.pieces.push(...cut(file, path));
    }
  }

  /** Names every piece in a worker; the page stays free. */
  async readAll() {
    const worker = new Worker(this.form.dataset.worker);
    try {
      let done = 0;
      for (let start = 0; start < this.pieces.length; ) {
        const some = this.pieces.slice(start, start + this.next(this.pieces, start));
        const pieces = some.map(({ blob, head }) => ({ blob, head }));
        const keys = await new Promise((resolve, reject) => {
          worker.onmessage = ({ data }) => data.error
            ? reject(new Refused("A file could not be read; it was changed, moved or locked. Drop the folder again."))
            : resolve(data.keys);
          worker.onerror = () => reject(new Refused("The browser could not read the files. Reload the page."));
          worker.postMessage({ pieces });
        });
        this.check();
        some.forEach((piece, place) => { piece.key = keys[place]; done += piece.blob.size; });
        start += some.length;
        this.say(`Reading ${amount(done)} of ${amount(this.total)}`, this.total ? done / this.total : 1);
      }
    } finally {
      worker.terminate();
    }
  }

  /** How many pieces from `start` make a batch. */
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
    const folder = (path) => path.slice(0, path.lastIndexOf("/") + 1);
    const fresh = new Set(this.pieces.filter((piece) => !known.has(piece.path)).map((piece) => folder(piece.path)));
    return this.pieces.filter((piece) => fresh.has(folder(piece.path)));
  }

  missing(pieces) {
    return this.inPortions(pieces, "missing");
  }

  async inPortions(pieces, what) {
    const found = [];
    for (let start = 0; start < pieces.length; start += 5000) {
      const some = pieces.slice(start, start + 5000);
      const answer = await this.ask(`${this.number}/missing/`, { keys: some.map((piece) => piece.key) });
      found.push(...answer[what].map((place) => some[place]));
    }
    return found;
  }

  async sendAll(pieces) {
    const bytes = pieces.reduce((sum, piece) => sum + piece.blob.size, 0);
    const began = performance.now();
    const underWay = new Map();
    let sent = 0;
    const tell = () => {
      const now = sent + [...underWay.values()].reduce((sum, loaded) => sum + loaded, 0);
      const rate = now / Math.max((performance.now() - began) / 1000, 0.5);
      const left = rate && bytes > now ? `, about ${inWords((bytes - now) / rate)} left` : "";
      this.say(`${amount(this.total - bytes + now)} of ${amount(this.total)}, ${amount(rate)}/s${left}`, 1 - (bytes - now) / (this.total || 1));
    };
    let start = 0;
    const lane = async () => {
      while (start < pieces.length) {
        const batch = pieces.slice(start, start + this.next(pieces, start));
        start += batch.length;
        await this.ask(`${this.number}/pieces/`, pack(batch), (loaded) => { underWay.set(batch, loaded); tell(); });
        underWay.delete(batch);
        sent += batch.reduce((sum, piece) => sum + piece.blob.size, 0);
        tell();
      }
    };
    tell();
    await Promise.all(Array.from({ length: AT_ONCE }, lane));
  }

  /** One request, tried again until the line is back; a refusal in words is thrown. */
  async ask(path, body, loaded) {
    for (let tries = 0; ; tries += 1) {
      this.check();
      const { status, answer } = await this.post(path, body, loaded);
      this.check();
      if (status === 200 && answer) return answer;
      if (answer?.detail && !(body instanceof Blob && tries < 3)) throw new Refused(answer.detail);
      const pause = PATIENCE[Math.min(tries, PATIENCE.length - 1)];
      const why = status === 200 || status === 401 || status === 403
        ? "You are no longer signed in. Sign in again in another tab, then this goes on by itself."
        : status === 404 || status === 409 ? null
        : status ? `The site answered ${status}.` : "The line is lost.";
      if (why === null) throw new Refused("The study takes no material now. Reload the page.");
      this.say(`${why} Nothing is lost; next try in ${pause} s.`);
      await wait(pause);
    }
  }

  post(path, body, loaded) {
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      this.requests.add(request);
      request.open("POST", this.form.dataset.upload + path);
      request.setRequestHeader("X-CSRFToken", csrfToken(this.form));
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
    if (this.number) await this.post(`${this.number}/discard/`, {});
  }
}

/** A batch: for each piece the lengths of its head and bytes, its head, its bytes. */
function pack(pieces) {
  return new Blob(pieces.flatMap(({ head, blob }) => {
    const lengths = new DataView(new ArrayBuffer(12));
    lengths.setUint32(0, head.length);
    lengths.setBigUint64(4, BigInt(blob.size));
    return [lengths.buffer, head, blob];
  }));
}

const form = document.querySelector("[data-upload]");
if (form) {
  const [files, folder] = form.querySelectorAll("input[type=file]");
  const part = (name) => form.querySelector(`[data-${name}]`);
  const [sending, status, wrong, cancel] = [part("sending"), part("say"), part("error"), part("cancel")];
  const bar = form.querySelector("progress");
  const button = form.querySelector("button");
  let upload = null;
  part("folder").hidden = false;
  part("drop-hint").hidden = false;

  const say = (text, share) => {
    status.textContent = text;
    if (share !== undefined) bar.value = 100 * share;
  };
  const show = (busy, error = "") => {
    sending.hidden = !busy;
    button.disabled = busy;
    wrong.textContent = error;
    wrong.hidden = !error;
  };

  const send = async (list) => { // [[file, path below the chosen folder], ...]
    if (upload) return;
    if (!list.length) return show(false, "Choose a folder or files first.");
    upload = new Upload(form, list, say);
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
    say("Cancelling …");
    await upload?.cancel();
    location.reload();
  });
  const chosen = (input) => [...input.files].map((file) => [file, file.webkitRelativePath || file.name]);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send([...chosen(files), ...chosen(folder)]);
  });
  window.addEventListener("beforeunload", (event) => { if (upload) event.preventDefault(); });

  // ---- drop anywhere: folders are walked
  const target = document.body;
  const carriesFiles = (event) => [...event.dataTransfer.types].includes("Files");
  target.addEventListener("dragover", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form.closest("[data-drop]").classList.add("over");
  });
  target.addEventListener("dragleave", (event) => { if (!event.relatedTarget) form.closest("[data-drop]").classList.remove("over"); });
  target.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    form.closest("[data-drop]").classList.remove("over");
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
    let found = 0;
    show(true);
    try {
      const lists = await Promise.all(entries.map((entry) => below(entry, () => {
        found += 1;
        if (found % 100 === 0) say(`Looking through the folder: ${number(found)} files`, 0);
      })));
      await send(lists.flat());
    } catch (error) {
      if (!(error instanceof DOMException)) throw error;
      show(false, "A file of the folder could not be read. Check it and drop the folder again.");
    }
  });
}
