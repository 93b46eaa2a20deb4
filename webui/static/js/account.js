// The person's own page: password, tokens, signing out.

import { get, me, part, patch, post, remove } from "./api.js";
import { ask, attempt, tell } from "./dialogs.js";
import { button, byId, h, show, stacked } from "./dom.js";
import { moment } from "./format.js";
import { say } from "./say.js";

const table = byId("tokens");

async function tokens() {
  const found = await attempt(() => get("tokens"));
  if (!found) return;
  table.hidden = found.length === 0;
  show(table.tBodies[0], found.map(line));
  stacked(table);
}

function line(token) {
  const away = async () => {
    if (!await ask(say("account.withdraw_title"), say("account.withdraw_words", { name: token.name }), say("account.withdraw"))) return;
    await attempt(() => remove(`tokens/${part(token.id)}`));
    tokens();
  };
  return h("tr", {}, h("td", {}, token.name), h("td", {}, moment(token.created)), h("td", {}, say(`account.scope_${token.scope}`)), h("td", {}, moment(token.expires) || say("account.days_none")), h("td", {}, moment(token.used) || say("account.never")),
    h("td", { class: "num" }, button(say("account.withdraw"), away, { class: "small danger", "aria-label": say("account.withdraw_of", { name: token.name }) })));
}

byId("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const made = await attempt(() => post("tokens", { name: byId("token-name").value.trim(), scope: byId("token-scope").value, days: Number(byId("token-days").value) || null }));
  if (!made) return;
  byId("token-name").value = "";
  const copy = button(say("downloads.copy"), async () => { await navigator.clipboard.writeText(made.token); copy.textContent = say("downloads.copied"); }, { class: "small", hidden: !navigator.clipboard });
  show(byId("made"), h("p", {}, say("account.made", { name: made.name })), h("p", {}, h("code", {}, made.token)), copy);
  byId("made").hidden = false;
  tokens();
});

byId("sign-out")?.addEventListener("click", async () => {
  if (await attempt(() => remove("session")) !== undefined) location.assign("/sign-in");
});

byId("change")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const { user } = await me();
  const changed = await attempt(() => patch(`users/${part(user.id)}`, { old_password: byId("old").value, password: byId("new").value }));
  if (changed === undefined) return;
  byId("change").reset();
  tell(say("account.changed"));
  setTimeout(() => location.assign("/sign-in"), 2000);
});

const kept = /(?:^|; )ubam-language=(\w+)/.exec(document.cookie)?.[1] ?? "";
byId("language").value = kept;
byId("language").addEventListener("change", () => {
  const { value } = byId("language");
  document.cookie = `ubam-language=${value}; path=/; max-age=${value ? 31536000 : 0}; SameSite=Lax`;
  location.reload();
});

byId("mail").addEventListener("submit", async (event) => {
  event.preventDefault();
  const { user } = await me(), email = byId("email").value.trim();
  if (await attempt(() => patch(`users/${part(user.id)}`, { email })) !== undefined) tell(say(email ? "account.mailed" : "account.not_mailed", { email }));
});

me().then(({ user, mail }) => {
  byId("who").textContent = say("account.who", { name: user.name, role: say(`role.${user.role}`) });
  byId("mail-card").hidden = !mail;
  byId("email").value = user.email;
  if (byId("password-card")) byId("password-card").hidden = user.by_provider;
});
tokens();
