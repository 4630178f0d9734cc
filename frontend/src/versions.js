/** Two versions of one pair's answers, line by line, for the reader to choose. No page, no network. */

const QUALITIES = { both: "both", left: "left only", right: "right only", neither: "neither" };
const NOTHING = "–";

function rated(criterion, rating) {
  if (rating?.status === "cannot_judge") return "cannot judge";
  if (rating?.status === "not_applicable") return "not applicable";
  return rating?.status === "rated" ? `${rating.score} · ${criterion.anchors[rating.score - 1]}` : NOTHING;
}

function found(config, { kind, side, structure, remark }) {
  const { name } = config.finding_kinds.find((each) => each.id === kind) ?? { name: kind };
  return [name, side, structure, remark].filter(Boolean).join(", ");
}

function integrity(config, { integrity: value, findings }) {
  if (value === "none") return "nothing wrong";
  return findings.map((finding) => found(config, finding)).join("; ") || NOTHING;
}

/**
 * @param {object} config of the page
 * @param {object} record of the outbox
 * @returns {[string, string]} what it answers, and how
 */
export function answer(config, { what, path, body }) {
  const criterion = what === "rating" && config.criteria.find(({ id }) => path.startsWith(`ratings/${id}/`));
  if (criterion) return [criterion.name, rated(criterion, body)];
  if (what === "integrity") return ["Integrity", { none: "nothing wrong", findings: "a finding" }[body.value] ?? NOTHING];
  if (what === "diagnostic") return ["Diagnostic", QUALITIES[body.value] ?? NOTHING];
  if (what === "finding") return ["Finding", found(config, body)];
  return [{ withdraw: "Finding taken back", comment: "Comment", confirm: "Confirmation", skip: "Problem", guess: "Question" }[what], body?.text ?? body?.reason ?? body?.side ?? ""];
}

/**
 * @param {object} config of the page
 * @param {object} server body of the presentation as the server has it
 * @param {object} here the same with what was answered in this browser
 * @returns {{name: string, server: string, here: string, differs: boolean}[]}
 */
export function versions(config, server, here) {
  const asked = new Set(server.criteria.map(String));
  const lines = config.criteria
    .filter((criterion) => asked.has(String(criterion.id)))
    .map((criterion) => [criterion.name, ({ answers }) => rated(criterion, answers.ratings[criterion.id])]);
  if (config.ask_integrity !== false) lines.push(["Integrity", ({ answers }) => integrity(config, answers)]);
  if (config.ask_diagnostic !== false) lines.push(["Diagnostic", ({ answers }) => QUALITIES[answers.diagnostic] ?? NOTHING]);
  lines.push(["Comment", ({ answers }) => answers.comment || NOTHING]);
  lines.push(["This pair is", ({ state }) => (state === "confirmed" ? "confirmed" : "not confirmed")]);
  return lines.map(([name, say]) => ({ name, server: say(server), here: say(here), differs: say(server) !== say(here) }));
}
