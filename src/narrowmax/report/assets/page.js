"use strict";
(async () => {
  const record = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const drawn = new Set();

  const dark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";

  // The same rule as Figure.painted: "$name" under a key that ends in color becomes a value.
  const paint = (node, colours, coloured) => {
    if (Array.isArray(node)) return node.map((item) => paint(item, colours, coloured));
    if (node && typeof node === "object")
      return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, paint(item, colours, /(color|colorscale)$/i.test(key))]));
    return coloured && typeof node === "string" && node[0] === "$" ? colours[node.slice(1)] : node;
  };

  const draw = (place) => {
    const { data, layout } = paint(record.figures[place], dark() ? record.dark : record.light, false);
    // On a touch screen a finger scrolls the page; a tap still shows values.
    if (touch) { layout.dragmode = false; layout.xaxis.fixedrange = layout.yaxis.fixedrange = true; }
    document.querySelectorAll(`button[data-plot="${place}"][aria-pressed="false"]`).forEach((button) =>
      button.dataset.traces.split(",").forEach((trace) => { data[trace].visible = false; }));
    const canvas = document.querySelector(`.canvas[data-plot="${place}"]`);
    drawn.add(place);
    return Plotly.react(canvas, data, layout, { responsive: true, displayModeBar: false, scrollZoom: false });
  };

  const unpack = async () => {
    const packed = Uint8Array.from(atob(document.getElementById("library").textContent), (c) => c.charCodeAt(0));
    const code = await new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"))).text();
    const script = document.createElement("script");
    script.textContent = code; // runs only if its digest is the one the policy names
    document.head.append(script);
    if (typeof Plotly === "undefined") throw new Error("the plotting library did not start");
  };

  const repaint = () => drawn.forEach(draw);
  document.getElementById("theme").addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; repaint(); });
  system.addEventListener("change", repaint);

  const canvases = [...document.querySelectorAll(".canvas")];
  try {
    if (canvases.length) await unpack();
  } catch (error) {
    canvases.forEach((canvas) => { canvas.style.height = "auto"; canvas.textContent = "This browser cannot draw the plot; its numbers are below."; });
    document.querySelectorAll("details.data").forEach((table) => { table.open = true; });
    return;
  }

  // Drawn when first seen, so that a long page opens at once; also when a fold is opened.
  const seen = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (entry.isIntersecting) { seen.unobserve(entry.target); draw(Number(entry.target.dataset.plot)); }
  }), { rootMargin: "900px" });
  canvases.forEach((canvas) => seen.observe(canvas));
  addEventListener("beforeprint", () => canvases.forEach((canvas) => { if (canvas.offsetWidth) draw(Number(canvas.dataset.plot)); }));

  document.querySelectorAll(".legend button").forEach((button) => button.addEventListener("click", () => {
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    draw(Number(button.dataset.plot));
  }));

  const links = new Map([...document.querySelectorAll("nav a")].map((link) => [link.hash.slice(1), link]));
  const reading = new IntersectionObserver((entries) => entries.forEach((entry) => {
    if (!entry.isIntersecting) return;
    links.forEach((link) => link.removeAttribute("aria-current"));
    links.get(entry.target.id)?.setAttribute("aria-current", "true");
  }), { rootMargin: "-20% 0px -70% 0px" });
  document.querySelectorAll("section").forEach((section) => reading.observe(section));
})();
