"use strict";
// A map of words: points on a canvas that can be moved, zoomed, searched and clicked.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const n = data.words.length;
  const byId = (id) => document.getElementById(id);
  const canvas = byId("map"), pen = canvas.getContext("2d");
  const MOST_LABELS = 400, NEAR_PIXELS = 9, MOST_MATCHES = 12, MOST_LETTERS = 40;
  const view = { x: 0, y: 0, zoom: 1 };
  let width = 0, height = 0, chosen = -1, hovered = -1, waiting = false;
  let colours = [];

  // ---- places: data units are -scale .. scale, y upwards

  const unit = () => (Math.min(width, height) / 2 / data.scale) * 0.92 * view.zoom;
  const toX = (i) => width / 2 + (data.x[i] - view.x) * unit();
  const toY = (i) => height / 2 - (data.y[i] - view.y) * unit();

  function zoomAt(factor, px, py) {
    const zoom = Math.min(2000, Math.max(0.5, view.zoom * factor)), before = unit();
    const x = view.x + (px - width / 2) / before, y = view.y - (py - height / 2) / before;
    view.zoom = zoom;
    view.x = x - (px - width / 2) / unit();
    view.y = y + (py - height / 2) / unit();
    redraw();
  }

  function moveBy(dx, dy) {
    view.x -= dx / unit();
    view.y += dy / unit();
    redraw();
  }

  function showWhole() {
    Object.assign(view, { x: 0, y: 0, zoom: 1 });
    redraw();
  }

  // ---- colours

  function paint() {
    const by = byId("colour").value, dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const most = data.ranks.reduce((a, b) => Math.max(a, b), 1);
    colours = data.words.map((_, i) => {
      if (by === "classes") return `hsl(${(data.classes[i] * 137.508) % 360} 62% ${dark ? 64 : 42}%)`;
      if (by === "ranks") {
        const t = Math.log1p(data.ranks[i]) / Math.log1p(most);
        return `hsl(${20 + 220 * t} ${80 - 35 * t}% ${dark ? 66 - 16 * t : 40 + 22 * t}%)`;
      }
      return dark ? "#9aa0a8" : "#5b616a";
    });
    redraw();
  }

  // ---- drawing

  function redraw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => { waiting = false; draw(); });
  }

  function draw() {
    const style = getComputedStyle(document.documentElement);
    const front = style.getPropertyValue("--front"), back = style.getPropertyValue("--back");
    const mark = style.getPropertyValue("--mark");
    const ratio = window.devicePixelRatio || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, width, height);
    const near = chosen < 0 ? [] : data.neighbours[chosen], shown = [];
    const size = Math.min(5, Math.max(1.3, 1.1 + Math.log2(view.zoom) * 0.35 + 60 / Math.sqrt(n)));
    pen.globalAlpha = chosen < 0 ? 0.75 : 0.25;
    for (let i = 0; i < n; i++) {
      const x = toX(i), y = toY(i);
      if (x < -10 || y < -10 || x > width + 10 || y > height + 10) continue;
      shown.push(i);
      pen.fillStyle = colours[i];
      pen.beginPath();
      pen.arc(x, y, size, 0, 7);
      pen.fill();
    }
    pen.globalAlpha = 1;
    if (chosen >= 0) {
      pen.strokeStyle = mark;
      pen.lineWidth = 1.5;
      for (const i of near) {
        pen.globalAlpha = 0.55;
        pen.beginPath();
        pen.moveTo(toX(chosen), toY(chosen));
        pen.lineTo(toX(i), toY(i));
        pen.stroke();
      }
      pen.globalAlpha = 1;
      for (const i of [...near, chosen]) {
        pen.fillStyle = i === chosen ? mark : colours[i];
        pen.beginPath();
        pen.arc(toX(i), toY(i), size + (i === chosen ? 3 : 1.5), 0, 7);
        pen.fill();
      }
    }
    label(shown, near, size, front, back);
  }

  function label(shown, near, size, front, back) {
    // frequent words first; a label that would cover another is left out
    const first = chosen < 0 ? [] : [chosen, ...near], taken = new Map(), cell = 64;
    const fits = (box) => {
      const cells = [];
      for (let cx = Math.floor(box.x / cell); cx <= Math.floor((box.x + box.w) / cell); cx++)
        for (let cy = Math.floor(box.y / cell); cy <= Math.floor((box.y + box.h) / cell); cy++)
          cells.push(`${cx},${cy}`);
      const clash = (other) => box.x < other.x + other.w && other.x < box.x + box.w &&
                               box.y < other.y + other.h && other.y < box.y + box.h;
      if (cells.some((name) => (taken.get(name) || []).some(clash))) return false;
      for (const name of cells) taken.set(name, [...(taken.get(name) || []), box]);
      return true;
    };
    pen.textBaseline = "middle";
    pen.lineJoin = "round";
    let count = 0;
    for (const i of [...first, ...shown]) {
      if (count >= MOST_LABELS) break;
      const important = first.includes(i);
      if (chosen >= 0 && !important && view.zoom < 4) continue;
      pen.font = `${i === chosen ? "bold 15px" : important ? "13px" : "12px"} system-ui, sans-serif`;
      const text = short(data.words[i]), w = pen.measureText(text).width;
      const x = toX(i) + size + (important ? 8 : 4), y = toY(i);
      if (x > width || y < 0 || y > height || x + w < 0) continue;
      if (!fits({ x: x - 2, y: y - 8, w: w + 4, h: 16 })) continue;
      pen.lineWidth = 3;
      pen.strokeStyle = back;
      pen.globalAlpha = important || chosen < 0 ? 1 : 0.5;
      pen.strokeText(text, x, y);
      pen.fillStyle = front;
      pen.fillText(text, x, y);
      count++;
    }
    pen.globalAlpha = 1;
    canvas.dataset.labels = String(count);
  }

  const short = (word) => {
    const letters = Array.from(word);
    return letters.length > MOST_LETTERS ? letters.slice(0, MOST_LETTERS - 1).join("") + "\u2026" : word;
  };

  // ---- choosing

  function nearest(px, py) {
    let best = -1, least = NEAR_PIXELS * NEAR_PIXELS;
    for (let i = 0; i < n; i++) {
      const dx = toX(i) - px, dy = toY(i) - py, d = dx * dx + dy * dy;
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  function choose(i, center) {
    chosen = i;
    byId("panel").hidden = i < 0;
    byId("help").hidden = i >= 0;
    if (i >= 0) fillPanel(i);
    if (i >= 0 && center) Object.assign(view, { x: data.x[i], y: data.y[i], zoom: Math.max(view.zoom, 4) });
    redraw();
  }

  function fillPanel(i) {
    byId("word").textContent = data.words[i];
    const count = data.counts ? `${data.counts[i].toLocaleString("en")} times, ` : "";
    byId("facts").textContent = `${count}rank ${(data.ranks[i] + 1).toLocaleString("en")}, class ${data.classes[i]}`;
    const list = byId("neighbours");
    list.replaceChildren(...data.neighbours[i].map((other, place) => {
      const item = document.createElement("li"), button = document.createElement("button");
      const name = document.createElement("bdi"), score = document.createElement("span");
      button.type = "button";
      name.textContent = data.words[other];
      score.textContent = (data.scores[i][place] / 100).toFixed(2);
      button.append(name, score);
      button.addEventListener("click", () => choose(other, true));
      item.append(button);
      return item;
    }));
  }

  // ---- searching

  const lower = data.words.map((word) => word.toLowerCase());
  let matches = [], marked = 0;

  function search() {
    const text = byId("search").value.trim().toLowerCase();
    const exact = [], begin = [], inside = [];
    for (let i = 0; text && i < n; i++) {
      const place = lower[i].indexOf(text);
      if (place < 0) continue;
      (lower[i] === text ? exact : place === 0 ? begin : inside).push(i);
    }
    matches = [...exact, ...begin, ...inside].slice(0, MOST_MATCHES);
    marked = 0;
    showMatches(text);
  }

  function showMatches(text) {
    const list = byId("matches");
    list.hidden = !text;
    const items = matches.map((i, place) => {
      const item = document.createElement("li");
      item.textContent = data.words[i];
      item.className = place === marked ? "chosen" : "";
      item.addEventListener("pointerdown", (event) => { event.preventDefault(); take(place); });
      return item;
    });
    if (!items.length) {
      const item = document.createElement("li");
      item.textContent = "not on this map";
      item.className = "none";
      items.push(item);
    }
    list.replaceChildren(...items);
  }

  function take(place) {
    if (matches[place] === undefined) return;
    choose(matches[place], true);
    byId("matches").hidden = true;
    byId("search").blur();
  }

  byId("search").addEventListener("input", search);
  byId("search").addEventListener("blur", () => { byId("matches").hidden = true; });
  byId("search").addEventListener("keydown", (event) => {
    if (event.key === "Enter") take(marked);
    else if (event.key === "Escape") event.target.blur();
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : -1;
      marked = (marked + step + matches.length) % Math.max(1, matches.length);
      showMatches(byId("search").value.trim());
    }
  });

  // ---- pointer, wheel, keys

  const pointers = new Map();
  let moved = 0;

  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button) return; // a menu of the browser may swallow the end of such a press
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, at(event));
    if (pointers.size === 1) moved = 0;
  });

  canvas.addEventListener("pointermove", (event) => {
    const here = at(event), before = pointers.get(event.pointerId);
    if (!before) { hover(here); return; }
    moved += Math.hypot(here.x - before.x, here.y - before.y);
    canvas.classList.add("moving");
    byId("hover").hidden = true;
    if (pointers.size === 2) {
      const other = [...pointers].find(([id]) => id !== event.pointerId)[1];
      const apart = (p) => Math.max(1, Math.hypot(p.x - other.x, p.y - other.y));
      zoomAt(apart(here) / apart(before), (here.x + other.x) / 2, (here.y + other.y) / 2);
    } else {
      moveBy(here.x - before.x, here.y - before.y);
    }
    pointers.set(event.pointerId, here);
  });

  const release = (event) => {
    const here = at(event), was = pointers.delete(event.pointerId);
    canvas.classList.remove("moving");
    if (was && event.type === "pointerup" && moved < 5 && !pointers.size) choose(nearest(here.x, here.y), false);
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("pointerleave", () => { byId("hover").hidden = true; });

  function hover(here) {
    hovered = nearest(here.x, here.y);
    const box = byId("hover");
    canvas.classList.toggle("over", hovered >= 0);
    box.hidden = hovered < 0;
    if (hovered < 0) return;
    box.textContent = data.words[hovered];
    box.style.left = `${Math.min(toX(hovered) + 12, width - 80)}px`;
    box.style.top = `${Math.max(4, toY(hovered) - 30)}px`;
  }

  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const here = at(event), pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1);
    zoomAt(Math.exp(-Math.max(-200, Math.min(200, pixels)) * 0.0022), here.x, here.y);
  }, { passive: false });

  document.addEventListener("keydown", (event) => {
    if (event.target === byId("search") || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: [60, 0], ArrowRight: [-60, 0], ArrowUp: [0, 60], ArrowDown: [0, -60] };
    if (event.key === "/") byId("search").focus();
    else if (event.key === "Escape") choose(-1, false);
    else if (event.key === "+" || event.key === "=") zoomAt(1.4, width / 2, height / 2);
    else if (event.key === "-") zoomAt(1 / 1.4, width / 2, height / 2);
    else if (event.key === "0") showWhole();
    else if (steps[event.key] && event.target.tagName !== "SELECT") moveBy(...steps[event.key]);
    else return;
    event.preventDefault();
  });

  byId("in").addEventListener("click", () => zoomAt(1.6, width / 2, height / 2));
  byId("out").addEventListener("click", () => zoomAt(1 / 1.6, width / 2, height / 2));
  byId("whole").addEventListener("click", showWhole);
  byId("close").addEventListener("click", () => choose(-1, false));
  byId("colour").addEventListener("change", paint);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);

  new ResizeObserver(() => {
    const ratio = window.devicePixelRatio || 1;
    width = canvas.clientWidth;
    height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    redraw();
  }).observe(canvas);

  byId("about").textContent = `${n.toLocaleString("en")} words, ${{ pca: "PCA", tsne: "t-SNE", umap: "UMAP" }[data.method]}`;
  paint();
})();
