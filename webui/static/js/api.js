// Talking to /api/v1: JSON in and out, the session's cookie, the token against forged requests, errors as sentences.

import { say } from "./say.js";

export class ApiError extends Error {
  constructor(status, sentence, detail) {
    super(sentence);
    this.status = status;
    this.detail = detail ?? {};
  }
}

let known = null;

/** Who is signed in, what is allowed here, and the token that every change must carry. */
export function me(again = false) {
  if (!known || again) known = request("GET", "me");
  return known;
}

async function send(method, path, body, headers) {
  const options = { method, headers: { Accept: "application/json", ...headers }, credentials: "same-origin" };
  if (method !== "GET") options.headers["X-CSRFToken"] = (await me()).csrf ?? "";
  if (typeof body === "string" || body instanceof Blob) options.body = body;
  else if (body !== undefined) {
    options.body = JSON.stringify(body);
    options.headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(`/api/v1/${path}`, options);
  } catch {
    throw new ApiError(0, say("common.no_connection"));
  }
}

async function read(response) {
  const text = await response.text();
  if (!(response.headers.get("Content-Type") ?? "").includes("json")) return text;
  return text ? JSON.parse(text) : null;
}

const request = async (method, path, body, headers) => (await exchange(method, path, body, headers)).found;

async function exchange(method, path, body, headers = {}) {
  let response = await send(method, path, body, headers);
  let found = await read(response);
  if (response.status === 400 && /csrf/i.test(found?.error ?? found ?? "")) {
    await me(true);
    response = await send(method, path, body, headers);
    found = await read(response);
  }
  if (response.ok) return { found, response };
  if (response.status === 401 && !location.pathname.startsWith("/sign-in")) location.assign(`/sign-in?next=${encodeURIComponent(location.pathname)}`);
  throw new ApiError(response.status, found?.error ?? found?.message ?? say("common.server_error", { status: response.status }), found?.detail);
}

export const get = (path) => request("GET", path);

/** A whole list: the header Link of each page names the next one. */
export async function all(path) {
  const rows = [];
  for (let next = path; next;) {
    const { found, response } = await exchange("GET", next);
    rows.push(...found);
    next = /<\/api\/v1\/([^>]+)>; rel="next"/.exec(response.headers.get("Link") ?? "")?.[1];
  }
  return rows;
}

export const post = (path, body = {}) => request("POST", path, body);
export const put = (path, body, type) => request("PUT", path, body, type ? { "Content-Type": type } : {});
export const patch = (path, body) => request("PATCH", path, body);
export const remove = (path) => request("DELETE", path);
export const query = (values) => new URLSearchParams(values).toString();
export const part = (id) => encodeURIComponent(id);

/** Wait until the server has made a video that it makes when it is first asked for; `tell()` each second meanwhile. */
export async function ready(url, tell, wanted) {
  for (;;) {
    const response = await fetch(url, { headers: { Range: "bytes=0-0" }, credentials: "same-origin" });
    if (response.status === 200 || response.status === 206) return true;
    const found = await read(response);
    if (response.status !== 202) throw new ApiError(response.status, found?.error ?? say("common.server_error", { status: response.status }));
    tell();
    await new Promise((go) => { setTimeout(go, 1000); });
    if (!wanted()) return false;
  }
}
