(function () {
  "use strict";
  const root = document.documentElement;
  const data = JSON.parse(document.getElementById("data").textContent);
  const PAPER_PX = 690;  // A4 less its margins, at 96 px to the inch
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displaylogo: false, responsive: true, displayModeBar: false };
  const tools = Object.assign({}, config, { displayModeBar: true,
    modeBarButtons: [["zoom2d", "pan2d", "zoomIn2d", "zoomOut2d", "resetScale2d", "toImage"]] });

  // "#key" is a text and "@name" a colour: both are the reader's choice.
  function fill(value, words, style) {
    if (typeof value === "string") {
      if (value[0] === "#") return words[value.slice(1)] || value.slice(1);
      if (value[0] === "@") return style.getPropertyValue("--" + value.slice(1)).trim();
      return value;
    }
    if (Array.isArray(value)) {
      return typeof value[0] === "number" ? value : value.map((v) => fill(v, words, style));
    }
    if (value && typeof value === "object") {
      const made = {};
      for (const key of Object.keys(value)) made[key] = fill(value[key], words, style);
      return made;
    }
    return value;
  }

  function themed(layout, style) {
    const color = (name) => style.getPropertyValue(name).trim();
    const made = Object.assign({}, layout, {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", autosize: true,
      font: { family: getComputedStyle(document.body).fontFamily, size: 12.5,
        color: color("--ink") },
      hoverlabel: { bgcolor: color("--paper"), bordercolor: color("--line"),
        font: { color: color("--ink") } },
      modebar: { bgcolor: "rgba(0,0,0,0)", color: color("--muted"),
        activecolor: color("--ink") },
    });
    for (const key of Object.keys(made)) {
      if (/^[xy]axis/.test(key)) {
        made[key] = Object.assign({ gridcolor: color("--line"), zerolinecolor: color("--muted"),
          zeroline: false, linecolor: color("--line"), automargin: true, ticks: "" }, made[key]);
        if (made[key].title) {
          made[key].title = { text: made[key].title.text, standoff: 10,
            font: { size: 12.5, color: color("--muted") } };
        }
      }
    }
    return made;
  }

  // `width_px`: for paper, where nothing tells a plot how wide its place is.
  function draw(width_px) {
    const style = getComputedStyle(root);
    const words = data.words[root.dataset.lang];
    for (const name of Object.keys(data.charts)) {
      const place = document.getElementById("plot-" + name);
      const figure = fill(data.charts[name], words, style);
      const layout = themed(figure.layout, style);
      const old = place.layout;
      if (old && old.xaxis && old.xaxis.range && name === "lanes") {
        layout.xaxis.range = old.xaxis.range.slice();
      }
      layout.height = figure.layout.height;
      if (width_px) Object.assign(layout, { autosize: false, width: width_px });
      Plotly.react(place, figure.data, layout, name === "lanes" ? tools : config);
    }
  }

  function speak(language) {
    root.lang = root.dataset.lang = language;
    for (const button of document.querySelectorAll("[data-language]")) {
      button.classList.toggle("on", button.dataset.language === language);
      button.setAttribute("aria-pressed", String(button.dataset.language === language));
    }
    draw();
  }

  function zoom(range) {
    Plotly.relayout("plot-lanes", { "xaxis.range": range.slice() });
  }

  // ?lang=vi, ?theme=dark and ?zoom=busy open the page so: for links, and for pictures of it.
  const asked = new URLSearchParams(location.search);
  root.dataset.theme = asked.get("theme") || (dark.matches ? "dark" : "light");
  for (const button of document.querySelectorAll("[data-language]")) {
    button.addEventListener("click", () => speak(button.dataset.language));
  }
  document.getElementById("theme").addEventListener("click", () => {
    root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark";
    draw();
  });
  document.getElementById("print").addEventListener("click", () => window.print());
  let before = null;
  window.addEventListener("beforeprint", () => {
    before = root.dataset.theme;
    root.dataset.theme = "light";
    draw(PAPER_PX);
  });
  window.addEventListener("afterprint", () => {
    root.dataset.theme = before || root.dataset.theme;
    draw();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) {
    button.addEventListener("click", () => zoom(data.zooms[button.dataset.zoom]));
  }
  for (const button of document.querySelectorAll(".at")) {
    button.addEventListener("click", () => {
      const at = Number(button.dataset.ms);
      zoom([at - 60000, at + 60000]);
      document.getElementById("plot-lanes").scrollIntoView({ behavior: "smooth",
        block: "center" });
    });
  }
  const language = asked.get("lang");
  speak(data.words[language] ? language : root.dataset.lang);
  if (data.zooms[asked.get("zoom")]) zoom(data.zooms[asked.get("zoom")]);
})();
