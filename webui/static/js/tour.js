// A tour of the results in five steps, on the example: by itself at the first visit, and whenever it is asked for.

import { button, byId, h, link, show } from "./dom.js";
import { say } from "./say.js";

const SEEN = "ubam-tour-seen";
const STEPS = [["answer", "#summary"], ["ranking", "#ranking"], ["film", ".player"], ["factor", ".magnifier"], ["home", "#downloads"]];

class Tour {
  constructor() {
    this.at = 0;
    this.words = h("p", { class: "read" });
    this.count = h("p", { class: "fine" });
    this.buttons = h("div", { class: "row end" });
    this.box = h("section", { class: "tour", role: "dialog", "aria-label": say("tour.title"), tabindex: "-1" }, this.count, this.words, this.buttons);
    this.box.addEventListener("keydown", (event) => { if (event.key === "Escape") this.end(); });
    document.body.append(this.box);
    this.show();
  }

  show() {
    const [name, place] = STEPS[this.at], last = this.at === STEPS.length - 1;
    for (const one of document.querySelectorAll(".toured")) one.classList.remove("toured");
    const target = document.querySelector(place);
    target?.classList.add("toured");
    target?.scrollIntoView({ block: target.offsetHeight > innerHeight / 2 ? "start" : "center" });
    this.count.textContent = say("tour.step", { n: this.at + 1, of: STEPS.length });
    this.words.textContent = say(`tour.${name}`);
    show(this.buttons, button(say("tour.end"), () => this.end(), { class: "plain" }), this.at ? button(say("tour.back"), () => this.go(-1)) : null,
      last ? link(say("tour.own"), "/", { class: "button main", on: { click: () => this.end() } }) : button(say("tour.next"), () => this.go(1), { class: "main" }));
    this.box.focus();
  }

  go(step) {
    this.at += step;
    this.show();
  }

  end() {
    localStorage.setItem(SEEN, "1");
    for (const one of document.querySelectorAll(".toured")) one.classList.remove("toured");
    this.box.remove();
  }
}

/** Offer the tour on the example's results. */
export function offerTour() {
  if (!byId("main").dataset.example) return;
  const start = () => { if (!document.querySelector(".tour")) new Tour(); };
  byId("tour").hidden = false;
  byId("tour").addEventListener("click", start);
  if (!localStorage.getItem(SEEN)) start();
}
