/** Two versions of one pair's answers, line by line, for the reader to choose. No page, no network. */

/**
 * @import { Answers, Config, Criterion, NewFinding, Rating, Write } from "../server.ts"
 * @typedef {Pick<Config, "criteria"|"finding_kinds"|"ask_integrity"|"ask_diagnostic">} Asked
 * @typedef {{criteria: number[], state: string, answers: Answers}} Version
 */

/** @type {Record<string, string>} */
const QUALITIES = { both: "both", left: "left only", right: "right only", neither: "neither" };
const NOTHING = "–";

/**
 * @param {Criterion} criterion
 * @param {Rating|undefined} rating
 */
function rated(criterion, rating) {
  if (rating?.status === "cannot_judge") return "cannot judge";
  if (rating?.status === "not_applicable") return "not applicable";
  return rating?.score ? `${rating.score} · ${criterion.anchors[rating.score - 1]}` : NOTHING;
}

/**
 * @param {Asked} config
 * @param {NewFinding} finding
 */
function found(config, { kind, side, structure, remark }) {
  const { name } = config.finding_kinds.find((each) => each.id === kind) ?? { name: kind };
  return [name, side, structure, remark].filter(Boolean).join(", ");
}

/**
 * @param {Asked} config
 * @param {Answers} answers
 */
function integrity(config, { integrity: value, findings }) {
  if (value === "none") return "nothing wrong";
  return findings.map((finding) => found(config, finding)).join("; ") || NOTHING;
}

/**
 * @param {Asked} config
 * @param {Write} record
 * @returns {[string, string]} what it answers, and how
 */
export function answer(config, { what, path, body }) {
  if (what === "rating") {
    const criterion = config.criteria.find(({ id }) => path.startsWith(`ratings/${id}/`));
    return criterion ? [criterion.name, rated(criterion, body)] : ["", ""];
  }
  if (what === "integrity") return ["Integrity", body.value ? { none: "nothing wrong", findings: "a finding" }[body.value] : NOTHING];
  if (what === "diagnostic") return ["Diagnostic", QUALITIES[body.value] ?? NOTHING];
  if (what === "finding") return ["Finding", found(config, body)];
  if (what === "comment") return ["Comment", body.text];
  if (what === "skip") return ["Problem", body.reason];
  if (what === "guess") return ["Question", body.side];
  return [what === "withdraw" ? "Finding taken back" : "Confirmation", ""];
}

/**
 * @param {Asked} config
 * @param {Version} server the presentation as the server has it
 * @param {Version} here the same with what was answered in this browser
 * @returns {{name: string, server: string, here: string, differs: boolean}[]}
 */
export function versions(config, server, here) {
  const asked = new Set(server.criteria.map(String));
  /** @type {[string, (version: Version) => string][]} */
  const lines = config.criteria
    .filter((criterion) => asked.has(String(criterion.id)))
    .map((criterion) => [criterion.name, ({ answers }) => rated(criterion, answers.ratings[criterion.id])]);
  if (config.ask_integrity !== false) lines.push(["Integrity", ({ answers }) => integrity(config, answers)]);
  if (config.ask_diagnostic !== false) lines.push(["Diagnostic", ({ answers }) => QUALITIES[answers.diagnostic ?? ""] ?? NOTHING]);
  lines.push(["Comment", ({ answers }) => answers.comment || NOTHING]);
  lines.push(["This pair is", ({ state }) => (state === "confirmed" ? "confirmed" : "not confirmed")]);
  return lines.map(([name, read]) => ({ name, server: read(server), here: read(here), differs: read(server) !== read(here) }));
}
