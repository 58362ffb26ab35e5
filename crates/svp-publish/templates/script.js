(function () {
  "use strict";
  // Chart and table as tabs. Without this script both are shown, one under the other.
  document.querySelectorAll("[data-tabs]").forEach(function (views, group) {
    var panels = Array.prototype.slice.call(views.querySelectorAll(".view"));
    if (panels.length < 2) { return; }
    var list = document.createElement("div");
    list.className = "tabs";
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", "Chart or table");
    var tabs = panels.map(function (panel, i) {
      var tab = document.createElement("button");
      tab.type = "button";
      tab.textContent = panel.getAttribute("data-tab");
      tab.id = "tab-" + group + "-" + i;
      panel.id = "panel-" + group + "-" + i;
      tab.setAttribute("role", "tab");
      tab.setAttribute("aria-controls", panel.id);
      panel.setAttribute("role", "tabpanel");
      panel.setAttribute("aria-labelledby", tab.id);
      tab.addEventListener("click", function () { choose(i); });
      tab.addEventListener("keydown", function (event) {
        var step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) { return; }
        event.preventDefault();
        var next = (i + step + tabs.length) % tabs.length;
        choose(next);
        tabs[next].focus();
      });
      list.appendChild(tab);
      return tab;
    });
    function choose(chosen) {
      tabs.forEach(function (tab, i) {
        tab.setAttribute("aria-selected", String(i === chosen));
        tab.tabIndex = i === chosen ? 0 : -1;
        panels[i].hidden = i !== chosen;
      });
    }
    views.insertBefore(list, panels[0]);
    choose(0);
  });
  // The value under the pointer, or chosen with the arrow keys, in a line of text under the drawing.
  document.querySelectorAll("[data-marks]").forEach(function (drawing) {
    var marks = Array.prototype.slice.call(drawing.querySelectorAll("[data-mark]"));
    var figure = drawing.closest("figure");
    var readout = figure && figure.querySelector(".readout");
    if (!marks.length || !readout) { return; }
    var at = -1;
    function show(mark) {
      marks.forEach(function (other) { other.classList.remove("on"); });
      readout.textContent = mark ? mark.getAttribute("data-mark") : "";
      if (mark) { mark.classList.add("on"); at = marks.indexOf(mark); }
    }
    drawing.addEventListener("mouseover", function (event) {
      show(event.target.closest("[data-mark]"));
    });
    drawing.addEventListener("mouseleave", function () { show(null); });
    drawing.setAttribute("tabindex", "0");
    drawing.addEventListener("blur", function () { show(null); });
    drawing.addEventListener("keydown", function (event) {
      var step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) { return; }
      event.preventDefault();
      var week = drawing.classList.contains("heat");
      if (week && (event.key === "ArrowDown" || event.key === "ArrowUp")) { step *= 24; }
      if (at < 0) { at = marks.length - 1; show(marks[week ? 0 : at]); return; }
      show(marks[(at + step + marks.length) % marks.length]);
    });
  });
}());
