"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const cards = all(".card");
  root.classList.add("script");

  let filter = "";
  const search = document.getElementById("search");
  const count = document.getElementById("count");
  const show = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const card of cards) {
      const { verdict, ended, text } = card.dataset;
      const fits = (!filter || verdict === filter || ended === filter) && words.every((word) => text.includes(word));
      card.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} / ${cards.length}`;
  };
  search.addEventListener("input", show);
  const choose = (chosen) => {
    filter = chosen;
    for (const chip of all("[data-filter]")) chip.setAttribute("aria-pressed", String(chip.dataset.filter === chosen));
    show();
  };
  for (const chip of all("[data-filter]")) chip.addEventListener("click", () => choose(chip.dataset.filter));
  document.querySelector(".tools").addEventListener("keydown", ({ key }) => {
    if (key !== "Escape") return;
    search.value = "";
    choose("");
  });

  const narrow = matchMedia("(max-width: 46rem)").matches;
  const view = (diff, name) => {
    diff.dataset.view = name;
    for (const button of all("[data-show]", diff)) button.setAttribute("aria-pressed", String(button.dataset.show === name));
  };
  const fit = (from) => { if (narrow) for (const diff of all(".diff", from)) view(diff, "unified"); };
  fit(document);

  // Where there are thousands of snippets, the details of each lie packed in an attribute until somebody looks.
  const unpacked = (text) => {
    const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text();
  };
  const fill = async (card) => {
    const body = card.querySelector("[data-packed]");
    if (!body) return;
    const { packed } = body.dataset;
    delete body.dataset.packed;
    body.innerHTML = await unpacked(packed);
    fit(body);
    translate(body);
  };
  // What does not scroll is no stop for the keyboard.
  const reach = (from) => { for (const one of all(".scroll, .listing", from)) one.tabIndex = one.scrollWidth > one.clientWidth ? 0 : -1; };
  for (const card of cards) {
    card.addEventListener("toggle", async () => {
      if (!card.open) return;
      await fill(card);
      reach(card);
    });
  }
  addEventListener("resize", () => { for (const card of cards) if (card.open) reach(card); });

  const toggle = (open) => cards.forEach((card) => { if (!card.hidden) card.open = open; });
  document.getElementById("expand").addEventListener("click", () => toggle(true));
  document.getElementById("collapse").addEventListener("click", () => toggle(false));
  // On paper nothing can be opened: all that is shown is open while it is printed.
  let shut = [];
  addEventListener("beforeprint", () => {
    shut = all("details:not([open])").filter((one) => !one.closest(".card")?.hidden);
    for (const one of shut) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of shut) one.open = false; });
  const follow = () => {
    const card = document.getElementById(location.hash.slice(1))?.closest(".card");
    if (card) { card.open = true; card.scrollIntoView(); }
  };
  addEventListener("hashchange", follow);

  const translate = (from) => {
    const language = root.lang === "en" ? "en" : "zh";
    for (const name of ["aria-label", "placeholder", "title"]) {
      for (const element of all(`[data-${name}-${language}]`, from)) element.setAttribute(name, element.getAttribute(`data-${name}-${language}`));
    }
  };
  const speak = (language) => {
    root.lang = language === "zh" ? "zh-Hans" : "en";
    translate(document);
  };
  const stored = (key, value) => {
    try { return value === undefined ? localStorage.getItem(key) || "" : localStorage.setItem(key, value); } catch { return ""; /* a page opened from disk may have no storage */ }
  };
  if (stored("snipfix-language")) speak(stored("snipfix-language"));
  document.getElementById("language").addEventListener("click", () => {
    const language = root.lang === "en" ? "zh" : "en";
    speak(language);
    stored("snipfix-language", language);
  });

  const theme = stored("snipfix-theme");
  if (theme) root.dataset.theme = theme;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    stored("snipfix-theme", root.dataset.theme);
  });

  const copy = async (text) => {
    try { await navigator.clipboard.writeText(text); } catch {
      const area = Object.assign(document.createElement("textarea"), { value: text });
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("button");
    if (button?.dataset.show) {
      view(button.closest(".diff"), button.dataset.show);
      reach(button.closest(".diff"));
    }
    if (!button?.classList.contains("copy")) return;
    await copy(button.dataset.text);
    button.classList.add("done");
    setTimeout(() => button.classList.remove("done"), 1500);
  });
  show();
  follow();
})();
