/* Everything here is an addition: each page is complete without it. No request leaves the site. */
(function () {
  "use strict";
  var script = document.currentScript;
  var runtime = script.getAttribute("data-runtime");
  document.documentElement.classList.add("js");

  /* On a narrow screen the contents start closed, so that the page's own text comes first. */
  var contents = document.getElementById("contents");
  if (contents && window.matchMedia("(max-width: 60rem)").matches) contents.removeAttribute("open");

  /* What scrolls sideways can be scrolled by keyboard. */
  document.querySelectorAll(".sfpc-chart, pre").forEach(function (box) {
    if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0");
  });

  /* Charts: the drawn SVG stays until its interactive twin is ready, and stays for good if that fails. */
  function specOf(holder) {
    var tag = holder.parentNode.querySelector("script.sfpc-spec");
    return tag ? JSON.parse(tag.textContent) : null;
  }

  function mount(holder) {
    var picture = holder.querySelector("svg");
    if (!picture || holder.dataset.mounted) return;
    holder.dataset.mounted = "yes";
    var live = document.createElement("div");
    live.className = "live-chart";
    live.setAttribute("role", "group");
    live.setAttribute("aria-label", picture.querySelector("desc").textContent);
    live.hidden = true;
    holder.appendChild(live);
    var options = { actions: false, renderer: "svg", tooltip: true };
    window.vegaEmbed(live, specOf(holder), options)
      .then(function () { live.hidden = false; picture.style.display = "none"; })
      .catch(function (fault) { live.remove(); console.error("A chart stays static:", fault); });
  }

  var waiting = [];
  function withRuntime(then) {
    if (window.vegaEmbed) { then(); return; }
    waiting.push(then);
    if (waiting.length > 1) return;
    var tag = document.createElement("script");
    tag.src = runtime;
    tag.onload = function () { waiting.forEach(function (next) { next(); }); };
    document.head.appendChild(tag);
  }

  var holders = Array.prototype.filter.call(document.querySelectorAll(".sfpc-chart"), specOf);
  if (!holders.length || !("IntersectionObserver" in window)) return;
  var watcher = new IntersectionObserver(function (entries) {
    entries.forEach(function (entry) {
      if (!entry.isIntersecting) return;
      watcher.unobserve(entry.target);
      withRuntime(function () { mount(entry.target); });
    });
  }, { rootMargin: "200px" });
  holders.forEach(function (holder) { watcher.observe(holder); });

  /* Paper shows the drawn charts and every folded table's heading as it is on the screen. */
  window.addEventListener("beforeprint", function () {
    document.querySelectorAll(".sfpc-chart svg[role=img]").forEach(function (picture) { picture.style.display = ""; });
    document.querySelectorAll(".live-chart").forEach(function (live) { live.remove(); });
  });
})();
