/** The keyboard of the reading room: which action a key stands for, and when. Text fields keep their keys. */

/**
 * @import { Bindings } from "./bindings.js"
 * @import { Layer } from "./dialogs.js"
 * @import { Room } from "./room.js"
 */

/** What goes on as long as its key is held. */
const HELD = new Set(["slice_up", "slice_down", "five_up", "five_down", "zoom_in", "zoom_out", "cine_slower", "cine_faster"]);
/** The first of the mouse's buttons that act when pressed; those before are dragged. */
const SIDE_BUTTON = 3;

/** @param {EventTarget|null} target */
function isText(target) {
  return target instanceof HTMLTextAreaElement || (target instanceof HTMLInputElement && target.type !== "radio");
}

/**
 * Whether Space or Enter belongs to a control that was reached with Tab.
 * @param {KeyboardEvent} event
 */
function isOnControl({ key, target }) {
  if (key !== " " && key !== "Enter") return false;
  if (!(target instanceof HTMLButtonElement || target instanceof HTMLInputElement || target instanceof HTMLAnchorElement)) return false;
  return target.matches(":focus-visible") && (key === " " || target.type !== "radio");
}

/**
 * @param {Room} room whose methods the keys call
 * @param {Bindings} bindings
 * @param {() => Layer|null} layer the dialog on top, asked first
 */
export function listen(room, bindings, layer) {
  /** @type {Record<string, () => void>} */
  const actions = {
    score_1: () => room.answering.rate(1),
    score_2: () => room.answering.rate(2),
    score_3: () => room.answering.rate(3),
    score_4: () => room.answering.rate(4),
    score_5: () => room.answering.rate(5),
    none: () => room.answering.none(),
    finding: () => room.answering.finding(),
    both: () => room.answering.diagnostic("both"),
    choose: () => room.answering.choose(),
    fine: () => room.answering.fine(),
    cannot_judge: () => room.answering.cannotJudge(),
    previous_criterion: () => room.answering.move(-1),
    next_criterion: () => room.answering.move(1),
    clear: () => room.answering.clearLast(),
    confirm: () => room.confirm(),
    comment: () => room.answering.comment(),
    skip: () => room.skip(),
    back: () => room.back(),
    slice_up: () => room.viewing.step(-1),
    slice_down: () => room.viewing.step(1),
    five_up: () => room.viewing.step(-5),
    five_down: () => room.viewing.step(5),
    first_slice: () => room.viewing.goTo(0),
    last_slice: () => room.viewing.goTo(room.viewing.slices - 1),
    cine: () => room.viewing.toggleCine(),
    cine_slower: () => room.cineSpeed(-1),
    cine_faster: () => room.cineSpeed(1),
    link: () => room.viewing.toggleLink(),
    other: () => room.viewing.swap(room.viewing.active),
    toggle: () => room.toggle(),
    enlarge: () => room.enlarge(room.viewing.active),
    window_1: () => room.window(0),
    window_2: () => room.window(1),
    window_3: () => room.window(2),
    window_4: () => room.window(3),
    next_window: () => room.nextWindow(),
    invert: () => room.viewing.toggleInvert(),
    zoom_in: () => room.viewing.scale(1.25),
    zoom_out: () => room.viewing.scale(0.8),
    fit: () => room.viewing.fit(),
    one_to_one: () => room.oneToOne(),
    smooth: () => room.toggleSmooth(),
    reset: () => room.reset(),
    lens: () => room.instruments.toggle("lens"),
    ruler: () => room.instruments.toggle("ruler"),
    angle: () => room.instruments.toggle("angle"),
    cursor: () => room.instruments.toggle("cursor"),
    region: () => room.values("region"),
    difference: () => room.values("difference"),
    full_screen: () => room.fullScreen(),
    strip: () => room.answerPanel.toggleCollapsed(),
    help: () => room.keys(),
  };
  /** @type {string|number|null} the key or button that shows the other image while it is held */
  let holding = null;

  /**
   * @param {string} action
   * @param {string|number} from the key or button
   */
  const act = (action, from) => {
    if (action === "other") holding = from;
    actions[action]();
  };
  const release = () => {
    holding = null;
    room.viewing.swap(null);
  };

  addEventListener("keydown", (event) => {
    const turning = !event.repeat && room.viewing.stopToggle();
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key === "Tab") return;
    if (layer()?.key(event)) return;
    if (isText(event.target) || room.closed || isOnControl(event)) return;
    const action = bindings.action(event);
    if (event.repeat && !HELD.has(action ?? "")) return void event.preventDefault();
    if (action === null && event.key !== "Escape") return void room.unheard(event);
    event.preventDefault();
    if (action === null) room.escape();
    // The key that started the turns ends them; every other one does what it stands for, too.
    else if (!(turning && action === "toggle")) act(action, event.code);
  });
  addEventListener("keyup", ({ code }) => {
    if (holding === code) release();
  });
  addEventListener("blur", () => {
    room.viewing.stopToggle();
    release();
  });

  // Back and forward of the mouse would leave the page.
  for (const name of /** @type {const} */ (["mousedown", "mouseup", "auxclick"])) {
    addEventListener(name, (event) => {
      if (event.button < SIDE_BUTTON) return;
      event.preventDefault();
      const action = bindings.button(event);
      if (name === "mouseup" && holding === event.button) release();
      else if (name === "mousedown" && action && !room.closed && !layer()) act(action, event.button);
    });
  }
}
