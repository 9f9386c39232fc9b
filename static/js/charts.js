// Draws every element with data-chart="ID", where ID is a json_script with a Plotly figure {data, layout}.
// Figures come without colours: each trace says its role in meta.role, and the theme's CSS variables give the colour.
(() => {
  "use strict";
  const CONFIG = { responsive: true, displaylogo: false, displayModeBar: false };
  const source = document.currentScript.dataset.plotly;
  const reduced = window.matchMedia("(prefers-reduced-motion: reduce)");
  let library; // a promise of Plotly, made when the first chart is met: most pages have none

  function loadPlotly() {
    library ??= new Promise((resolve, reject) => {
      if (window.Plotly) return resolve(window.Plotly);
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => resolve(window.Plotly);
      script.onerror = () => {
        library = undefined; // try again with the next chart
        reject(new Error("plotly.js did not load"));
      };
      document.head.append(script);
    });
    return library;
  }

  function theme() {
    const style = getComputedStyle(document.documentElement);
    const token = (name) => style.getPropertyValue(name).trim();
    return {
      font: getComputedStyle(document.body).fontFamily,
      size: 12.5,
      ink: token("--ink"),
      muted: token("--ink-muted"),
      paper: token("--paper-raised"),
      line: token("--hairline"),
      axis: token("--line-strong"),
      roles: {
        model: token("--chart-model"),
        accent: token("--chart-model"),
        selected: token("--chart-selected"),
        random: token("--chart-random"),
        quiet: token("--chart-quiet"),
        diagonal: token("--chart-random"),
        band: token("--chart-band"),
        fit: token("--chart-fit"),
        fit_band: token("--chart-fit-band"),
        control: token("--chart-control"),
        right: token("--chart-right"),
        wrong: token("--chart-wrong"),
        scoring: token("--chart-quiet"),
        labelling: token("--chart-model"),
        training: token("--chart-control"),
        heat: token("--chart-heat-high"),
        heat_text: token("--ink"),
      },
      fills: {
        accent: token("--chart-accent-fill"),
        quiet: token("--chart-quiet-fill"),
        band: token("--chart-band"),
        right: token("--chart-right-fill"),
        wrong: token("--chart-wrong-fill"),
      },
      heat: [token("--chart-heat-low"), token("--chart-heat-high")],
      inks: [token("--ink"), token("--chart-heat-ink")],
    };
  }

  const rgb = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));

  function luminance(colour) {
    const [red, green, blue] = colour.map((part) => {
      const share = part / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function contrast(one, other) {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  }

  // The ink that reads best on a cell whose colour lies this share of the way along the scale.
  function inkOn(share, look) {
    const [low, high] = look.heat.map(rgb);
    const cell = low.map((part, at) => part + (high[at] - part) * share);
    return look.inks.reduce((best, ink) => (contrast(rgb(ink), cell) > contrast(rgb(best), cell) ? ink : best));
  }

  function coloured(trace, look) {
    const role = trace.meta?.role;
    const colour = look.roles[role];
    if (!colour) return trace;
    if (role === "band" || role === "fit_band") {
      trace.fillcolor = colour;
      trace.line = { ...trace.line, color: "transparent" };
      return trace;
    }
    if (trace.type === "bar") {
      trace.marker = { ...trace.marker, color: colour, line: { ...trace.marker?.line, color: look.paper } };
      return trace;
    }
    if (trace.type === "heatmap") {
      trace.colorscale = look.heat.map((end, at) => [at, end]);
      return trace;
    }
    if (role === "heat_text") {
      trace.textfont = { ...trace.textfont, color: trace.meta.shares.map((share) => inkOn(share, look)) };
      return trace;
    }
    if (trace.type === "box") {
      trace.line = { ...trace.line, color: colour };
      trace.marker = { ...trace.marker, color: colour };
      trace.fillcolor = look.fills[role];
      return trace;
    }
    trace.line = { ...trace.line, color: colour };
    trace.marker = {
      ...trace.marker,
      color: colour,
      line: { width: role === "model" ? 1.5 : 1, ...trace.marker?.line, color: role === "selected" ? colour : look.paper },
    };
    trace.textfont = { ...trace.textfont, color: colour };
    for (const error of ["error_x", "error_y"]) {
      if (trace[error]) trace[error] = { ...trace[error], color: colour };
    }
    if (trace.fill && look.fills[role]) trace.fillcolor = look.fills[role];
    return trace;
  }

  function styled(figure, look) {
    const layout = figure.layout || {};
    layout.paper_bgcolor = layout.plot_bgcolor = "rgba(0,0,0,0)";
    layout.font = { family: look.font, size: look.size, color: look.muted, ...layout.font };
    layout.hoverlabel = {
      bgcolor: look.paper,
      bordercolor: look.axis,
      align: "left",
      font: { family: look.font, size: look.size, color: look.ink },
    };
    layout.legend = { font: { color: look.ink }, ...layout.legend };
    layout.dragmode = false; // a finger that scrolls the page must not zoom the chart
    for (const name of Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key))) {
      layout[name] = {
        gridcolor: look.line,
        zerolinecolor: look.line,
        linecolor: look.axis,
        tickcolor: look.axis,
        ...layout[name],
        fixedrange: true,
      };
      if (layout[name].title) layout[name].title.font = { size: look.size, color: look.muted };
    }
    return { data: figure.data.map((trace) => coloured(trace, look)), layout };
  }

  function read(element) {
    const script = document.getElementById(element.dataset.chart);
    return script ? JSON.parse(script.textContent) : null;
  }

  function draw(Plotly, element) {
    if (!element.isConnected) return;
    const figure = read(element);
    if (!figure) return;
    const { data, layout } = styled(figure, theme());
    layout.transition = { duration: reduced.matches ? 0 : layout.transition?.duration || 0 };
    Plotly.react(element, data, layout, CONFIG);
    element.dataset.drawn = "";
  }

  async function drawAll(root, again) {
    const elements = [...root.querySelectorAll(again ? "[data-chart]" : "[data-chart]:not([data-drawn])")];
    if (root.matches?.("[data-chart]:not([data-drawn])")) elements.push(root);
    if (!elements.length) return;
    try {
      const Plotly = await loadPlotly();
      for (const element of elements) draw(Plotly, element);
    } catch (error) {
      for (const element of elements) element.textContent = "The picture could not be drawn. Its data are below.";
      console.error(error);
    }
  }

  document.addEventListener("DOMContentLoaded", () => drawAll(document, false));
  document.addEventListener("htmx:afterSettle", () => drawAll(document, false));
  document.addEventListener("trustai:theme", () => drawAll(document, true));
  document.addEventListener("htmx:beforeCleanupElement", (event) => {
    if (event.target.dataset?.drawn !== undefined) window.Plotly?.purge(event.target);
  });
  // A chart inside a closed <details> or a hidden tab has no width until it is shown.
  document.addEventListener(
    "toggle",
    (event) => {
      if (!event.target.open) return;
      for (const element of event.target.querySelectorAll("[data-drawn]")) window.Plotly?.Plots.resize(element);
    },
    true,
  );
})();
