/** One reading in one tab: the newest tab goes on, older ones are told to stop. */

/**
 * @param {string} name of the reading
 * @param {() => void} onother called once, when another tab has taken over
 */
export function claim(name, onother) {
  if (!("BroadcastChannel" in window)) return;
  const channel = new BroadcastChannel(`reading ${name}`);
  channel.addEventListener("message", () => {
    channel.close();
    onother();
  });
  channel.postMessage("here");
}
