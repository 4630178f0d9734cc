// What is wrong with the layout of the reading room as it stands, in words.
() => {
  const faults = [];
  const visible = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length > 0;
  const name = (node) => {
    const scale = node.closest(".scale")?.innerText.split("\n")[0];
    return node.id || scale || node.getAttribute("class") || node.innerText.slice(0, 20);
  };
  const { clientWidth: width, clientHeight: height, scrollWidth, scrollHeight } = document.documentElement;
  if (scrollWidth > width || scrollHeight > height) faults.push("the page scrolls");

  // Rows of boxes side by side: none over its neighbour, all within the screen.
  const rows = [
    ".room > *", ".prompt > *", ".where > *", ".ask > *", ".meta > *", ".answers > *", ".scale", ".pts > label", ".close > *",
    ".integrity > *", ".diagnostic > *", ".finding > .row > *", ".kinds > *", ".places > *", "#comment > *", ".ways > *",
    "#choice [role=group] > *",
  ];
  const over = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 0.6 && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.6;
  for (const row of rows) {
    const boxes = [...document.querySelectorAll(row)]
      .filter((node) => visible(node) && !node.matches(".vh, .grow"))
      .map((node) => ({ what: name(node), box: node.getBoundingClientRect() }))
      .filter(({ box }) => box.width * box.height > 0);
    boxes.forEach(({ what, box }, at) => {
      const { left, top, right, bottom } = box;
      if (left < -0.5 || top < -0.5 || right > width + 0.5 || bottom > height + 0.5) faults.push(`${what} is not on the screen`);
      for (const other of boxes.slice(at + 1)) if (over(box, other.box)) faults.push(`${what} lies over ${other.what}`);
    });
  }

  // Words that do not fit their box, but where dots say so.
  for (const node of document.querySelectorAll(".strip button, .ask > span, .where > *, .meta > *, .chips > *, .pos > *")) {
    const cut = node.clientWidth > 0 && node.scrollWidth > node.clientWidth + 1;
    if (cut && visible(node) && !node.matches(".vh") && getComputedStyle(node).textOverflow !== "ellipsis") {
      faults.push(`${name(node)} is cut off`);
    }
  }

  const unit = parseFloat(getComputedStyle(document.querySelector(".strip")).fontSize);
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !visible(node) || node.closest(".vh, script")) continue;
    const size = parseFloat(getComputedStyle(node).fontSize);
    if (size < 11 || size < (unit * 11) / 13) faults.push(`${name(node)} is written at ${size} px`);
  }

  const box = (id) => document.getElementById(id).getBoundingClientRect();
  const [left, right] = [box("pane-left"), box("pane-right")];
  if (left.width !== right.width || left.height !== right.height) faults.push("the images differ in size");
  if (left.bottom > box("strip").top + 0.5) faults.push("the strip covers the images");
  return faults;
}
