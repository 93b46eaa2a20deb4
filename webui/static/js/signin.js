// Signing in with name and password.

import { post } from "./api.js";
import { byId } from "./dom.js";

// Only pages of this server: an address that begins with two slashes would be another one's.
function onwards() {
  const next = new URL(new URLSearchParams(location.search).get("next") ?? "/", location.origin);
  return next.origin === location.origin ? next.href : "/";
}

byId("sign-in").addEventListener("submit", async (event) => {
  event.preventDefault();
  byId("refused").hidden = true;
  try {
    await post("session", { name: byId("name").value.trim(), password: byId("password").value });
    location.assign(onwards());
  } catch (error) {
    byId("refused").textContent = error.message;
    byId("refused").hidden = false;
    byId("password").select();
  }
});
