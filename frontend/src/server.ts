/**
 * What the site sends and takes as JSON. The other side: `readerstudy/reading/selectors.py` (what is sent),
 * `serializers.py` and `views.py` there (what is taken), `readerstudy/api/asked.py`.
 */

export type Method = "GET" | "PUT" | "POST" | "DELETE";
export type Side = "left" | "right";
export type Quality = "both" | "left" | "right" | "neither";
export type Edge = "w" | "e" | "n" | "s";
/** Slices by number, of each side. */
export type Seen = Record<Side, number[]>;

// -- the page of the reading room ----------------------------------------------------------------------------------

export type Criterion = { id: number; name: string; asks: string; better: string; anchors: string[]; required: boolean };
export type FindingKind = { id: string; name: string };

/** What a key or a button of the mouse does; `strokes` as this reader has them, `defaults` as everybody begins. */
export type Binding = { action: string; group: "rate" | "slices" | "view"; words: string; defaults: string[]; strokes: string[] };
/** In percent of the common range; it ends within `upper`, by what a pair shows. */
export type NamedWindow = { name: string; lower: number; upper: [number, number] };

/** The study as its reading room knows it, and where things are. */
export type Config = {
  criteria: Criterion[];
  finding_kinds: FindingKind[];
  skip_reasons: string[];
  allow_cannot_judge: boolean;
  allow_back: boolean;
  /** Pixel values, regions and the difference of both images. */
  show_values: boolean;
  require_all_slices: boolean;
  ask_integrity: boolean;
  ask_diagnostic: boolean;
  break_minutes: number;
  title: string;
  windows: NamedWindow[];
  keys: Binding[];
  /** Where the reader's own keys are kept. */
  keys_address: string;
  /** Code of the reader for whom the page speaks. */
  reader: string;
  /** Address of the reading, ending in a slash. */
  base: string;
  home: string;
  login: string;
  sign: string;
  briefing: string;
  /** Address of the script of the worker that unpacks frames. */
  unpack: string;
  /** What `current/` would have said as the page was made. */
  first: Turn;
};

// -- what a reader reads -------------------------------------------------------------------------------------------

/** State and revision of a presentation: what a write was made on. */
export type On = { state: string; revision: number };

export type Rating = {
  score: number | null;
  status: "rated" | "cannot_judge" | "not_applicable" | "missing";
  revision: number;
};

/** What a reader says about integrity, before the server has given it its number. */
export type NewFinding = {
  kind: string;
  side: Side | "both" | "undetermined";
  structure: string;
  remark: string;
  /** Column, row and slice. */
  i: number | null;
  j: number | null;
  k: number | null;
};
export type Finding = NewFinding & { id: number | null; key?: string };

export type Answers = {
  ratings: Record<string, Rating>;
  integrity: "none" | "findings" | null;
  diagnostic: Quality | null;
  comment: string;
  findings: Finding[];
};

export type Geometry = {
  rows: number;
  columns: number;
  slices: number;
  /** mm between rows, between columns. */
  spacing: [number, number];
  /** What 0 % and 100 % of the readout are. */
  window: { lower: number; upper: number };
  /** Directions of the patient at the images' edges. */
  letters?: Partial<Record<Edge, string>>;
  /** How frames are coded: see `processing/pair.py`. */
  coding?: number;
};

/** A presentation, or a question about one after the end of the list. */
export type Pair = {
  token: string;
  state: string;
  on: On;
  position: number;
  total: number;
  confirmed: number;
  part: number;
  parts: number;
  kind: "training" | "reading";
  skipped: boolean;
  criteria: number[];
  /** Null while the images are being prepared. */
  geometry: Geometry | null;
  /** Slices, middle first. */
  order: number[];
  answers: Answers;
  seen: Seen;
  /** Tokens of the pair before, where there is a way back, and of those to come. */
  previous: string | null;
  next: string[];
  guess?: { question: string; number: number; of: number };
};

/** Instead of a pair: a briefing to read first; between parts, before the questions, after the end. */
export type Rest = {
  token?: undefined;
  briefing?: true;
  finished?: true;
  last_look?: true;
  to_sign?: boolean;
  previous?: string;
  confirmed?: number;
  read?: number;
  total?: number;
  part?: number | null;
  parts?: number;
  pairs?: number;
  median_seconds?: number | null;
  /** ISO 8601. */
  opens_at?: string;
  washout_days?: number | null;
};

/** Whose turn it is. */
export type Turn = Pair | (Rest & { break?: Rest });

// -- what a reader writes ------------------------------------------------------------------------------------------

type Said = {
  rating: Rating;
  integrity: { value: "none" | "findings" | "" };
  diagnostic: { value: Quality | "" };
  comment: { text: string };
  finding: NewFinding;
  withdraw: null;
  time: { seconds: number; seen?: Seen };
  confirm: { seen: Seen };
  skip: { reason: string };
  guess: { side: Side | "unknown" };
  finish: object;
};
export type What = keyof Said;
/** What is written, by kind. */
export type Body<W extends What> = Said[W];

/** One write as it waits in the browser. */
export type Write = {
  [W in What]: {
    what: W;
    /** `key` makes it idempotent. */
    body: Said[W] extends null ? null : Said[W] & { key: string };
    /** Address of the presentation, or of the reading. */
    base: string;
    method: Method;
    path: string;
    on: On | null;
    /** Place of the presentation in the list. */
    position: number;
    /** Whose it is. */
    reader?: string;
    /** Key of the finding that a withdrawal takes back. */
    of?: string;
    /** The server's last sentence on it. */
    refused?: string;
    /** Number in the browser's storage. */
    id?: number;
  };
}[What];

/** What is said of an accepted write: what was kept, or, after the last write on a pair, whose turn it is. */
export type Accepted = { saved: true; on: On; revision?: number; id?: number } | { seconds: number } | Next;
/** `feedback` is about a practice pair that was confirmed. */
export type Next = Turn & { feedback?: string };

/** A pair as it is now; where the reader may not look at it any more, its state alone. */
export type Present = Pair | { token: string; position: number; state: string; on: On; answers?: undefined; next?: undefined };

/** The body of an error. */
export type Refusal = { detail?: string; code?: string; missing?: string[]; present?: Present; state?: string };

export type Request = {
  (method: "GET", path: string): Promise<Turn>;
  (method: Method, path: string, body: object | null, options?: { keepalive?: boolean; priority?: RequestPriority }): Promise<Accepted>;
};

/** A piece of the log of viewing; `end` and `checksum` in the last one of a visit. */
export type LogPiece = { visit: string; number: number; dropped: number; entries: string; end?: string; checksum?: number };

// -- upload --------------------------------------------------------------------------------------------------------

/** What the site says of an upload, by what it is asked; numbers in `known` and `missing` are places in what was asked. */
export type UploadAnswers = {
  begin: { upload: number };
  missing: { known: number[]; missing: number[] };
  pieces: object;
  finish: { missing: number[] };
  discard: object;
};
