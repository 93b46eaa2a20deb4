// Who may use this server, for admins.

import { all, me, part, patch, post, remove } from "./api.js";
import { ask, askText, attempt, tell } from "./dialogs.js";
import { button, byId, h, show, stacked } from "./dom.js";
import { date } from "./format.js";
import { say } from "./say.js";

const ROLES = ["member", "viewer", "admin"];

async function load() {
  const [users, person] = [await attempt(() => all("users")), await me()];
  if (!users) return;
  show(byId("users").tBodies[0], users.map((user) => line(user, user.id === person.user.id)));
  stacked(byId("users"));
}

async function change(user, values) {
  await attempt(() => patch(`users/${part(user.id)}`, values));
  load();
}

function line(user, self) {
  const role = h("select", { "aria-label": say("users.role_of", { name: user.name }), disabled: self, on: { change: () => change(user, { role: role.value }) } },
    ROLES.map((name) => h("option", { value: name, selected: name === user.role }, say(`role.${name}`))));
  return h("tr", {}, h("th", { scope: "row" }, user.name, " ", self ? h("span", { class: "tag" }, say("users.you")) : null, user.active ? null : h("span", { class: "tag failed" }, say("users.inactive"))),
    h("td", {}, role), h("td", {}, user.n_studies ?? ""), h("td", {}, date(user.created)), h("td", {}, self ? null : tools(user)));
}

function tools(user) {
  const { name, active } = user;
  const reset = async () => { const password = await askText(say("users.reset"), say("users.reset_label", { name }), "", say("common.save")); if (password) change(user, { password }); };
  const away = async () => {
    if (!await ask(say("users.delete_title", { name }), say("users.delete_words", { name }), say("common.delete"))) return;
    await attempt(() => remove(`users/${part(user.id)}`));
    load();
  };
  return h("div", { class: "row end" }, button(say("users.reset"), reset, { class: "small", "aria-label": say("users.reset_of", { name }) }),
    button(say(active ? "users.block" : "users.admit"), () => change(user, { active: !active }), { class: "small", "aria-label": say(active ? "users.block_of" : "users.admit_of", { name }) }),
    button(say("common.delete"), away, { class: "small danger", "aria-label": say("users.delete_of", { name }) }));
}

byId("add").addEventListener("submit", async (event) => {
  event.preventDefault();
  const name = byId("name").value.trim();
  if (await attempt(() => post("users", { name, password: byId("password").value, role: byId("role").value })) === undefined) return;
  byId("add").reset();
  tell(say("users.added", { name }));
  load();
});
load();
