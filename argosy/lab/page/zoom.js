// Looks closer: by dragging, with two fingers, with Ctrl and the wheel, with keys and with buttons; every chart of a figure follows.
const repaint = (figure) => figure.querySelectorAll(".chart").forEach((box) => paint(box));
const look = (box, from, to) => {
  const figure = box.closest(".figure"), { first, last } = box.range, whole = last - first;
  const line = box.plot.lines[0], least = Math.max(60, (whole / line.t.length) * 4);
  let span = Math.min(whole, Math.max(least, to - from)), middle = (from + to) / 2;
  let start = Math.max(first, Math.min(last - span, middle - span / 2));
  if (span >= whole * 0.999) views.delete(figure); else views.set(figure, { from: start, to: start + span });
  figure.classList.toggle("near", views.has(figure));
  repaint(figure);
};
const closer = (box, factor, t) => {
  if (!box.range) return;
  const { from, to } = box.range, at = t === undefined || t === null ? (from + to) / 2 : t;
  look(box, at - (at - from) * factor, at + (to - at) * factor);
};
const shift = (box, part) => { if (!box.range) return; const { from, to, first, last } = box.range, by = Math.max(first - from, Math.min(last - to, (to - from) * part)); look(box, from + by, to + by); };
const everything = (box) => box.range && look(box, box.range.first, box.range.last);

const zoomable = (box) => {
  const place = (event) => event.clientX - box.getBoundingClientRect().left;
  const fingers = new Map();
  let start = null, brush = null, cursor = null, pinch = null, pan = null;
  const move = (t) => { cursor = t; say(box, t); };
  const drop = () => { if (brush) brush.remove(); start = brush = pinch = pan = null; };
  box.addEventListener("wheel", (event) => {
    if (!box.range || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    closer(box, Math.exp(event.deltaY * (event.deltaMode ? 0.05 : 0.0025)), box.range.at(place(event)));
  }, { passive: false });
  box.addEventListener("pointerdown", (event) => {
    if (!box.range || event.button) return;
    move(box.range.at(place(event)));
    if (event.pointerType === "mouse") { start = place(event); box.setPointerCapture(event.pointerId); return; }
    fingers.set(event.pointerId, place(event));
    if (fingers.size === 2) { const [a, b] = [...fingers.values()]; pinch = { gap: Math.max(12, Math.abs(a - b)), span: box.range.to - box.range.from, at: box.range.at((a + b) / 2), part: (a + b) / 2 / box.range.room }; } else pan = { px: place(event), from: box.range.from, to: box.range.to };
  });
  box.addEventListener("pointermove", (event) => {
    if (!box.range) return;
    const px = place(event);
    if (fingers.has(event.pointerId)) {
      fingers.set(event.pointerId, px);
      if (pinch && fingers.size === 2) {
        const [a, b] = [...fingers.values()], span = pinch.span * (pinch.gap / Math.max(12, Math.abs(a - b)));
        look(box, pinch.at - span * pinch.part, pinch.at + span * (1 - pinch.part));
        return;
      }
      if (pan && views.has(box.closest(".figure")) && Math.abs(px - pan.px) > 4) { const by = ((pan.px - px) / box.range.room) * (pan.to - pan.from); look(box, pan.from + by, pan.to + by); return; }
    }
    if (start !== null && Math.abs(px - start) > 4) {
      if (!brush) brush = html("div", "brush", undefined, box);
      const left = Math.max(0, Math.min(start, px)), right = Math.min(box.range.room, Math.max(start, px));
      brush.style.left = left + "px"; brush.style.width = Math.max(0, right - left) + "px";
    }
    move(box.range.at(px));
  });
  box.addEventListener("pointerup", (event) => {
    fingers.delete(event.pointerId);
    const px = place(event), begin = start;
    drop();
    if (begin !== null && Math.abs(px - begin) > 8) look(box, box.range.at(Math.min(begin, px)), box.range.at(Math.max(begin, px)));
  });
  box.addEventListener("pointercancel", (event) => { fingers.delete(event.pointerId); drop(); });
  box.addEventListener("pointerleave", () => box.range && start === null && move(null));
  box.addEventListener("blur", () => box.range && move(null));
  box.addEventListener("dblclick", () => everything(box));
  box.addEventListener("keydown", (event) => {
    if (!box.range || event.ctrlKey || event.metaKey || event.altKey) return;
    const way = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (way && event.shiftKey) shift(box, way * 0.25);
    else if (way) {
      const { from, to } = box.range, step = ((to - from) / 100) * way;
      move(Math.min(to, Math.max(from, (cursor === null ? to : cursor) + step)));
    } else if (event.key === "+" || event.key === "=") closer(box, 0.5, cursor);
    else if (event.key === "-" || event.key === "_") closer(box, 2, cursor);
    else if (event.key === "0" || event.key === "Escape") everything(box);
    else return;
    event.preventDefault();
  });
};
