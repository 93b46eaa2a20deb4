// Numbers as people read them.

import { language } from "/texts.js";
import { say } from "./say.js";

const locale = language === "en" ? "en-GB" : language; // 29 Nov 2026, not Nov 29

export function bytes(n) {
  if (!Number.isFinite(n)) return "";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) { n /= 1000; unit += 1; }
  return `${n < 10 && unit > 0 ? n.toFixed(1) : Math.round(n)} ${units[unit]}`;
}

export function seconds(s) {
  if (!Number.isFinite(s)) return "";
  if (s < 9.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** How long something will still take, no more exact than it is known. */
export function left(s) {
  if (!Number.isFinite(s) || s < 0) return "";
  if (s < 55) return say("common.seconds_left", { n: Math.max(5, 5 * Math.ceil(s / 5)) });
  if (s < 5400) return say("common.minutes_left", { n: Math.round(s / 60) || 1 });
  return say("common.hours_left", { n: (s / 3600).toFixed(1) });
}

export const percent = (share) => `${Math.floor(100 * Math.max(0, Math.min(1, share || 0)))} %`;

export function number(value, digits = 2) {
  const n = typeof value === "string" ? (value.trim() === "" ? NaN : Number(value)) : value ?? NaN;
  return Number.isFinite(n) ? n.toFixed(digits) : "";
}

export function pValue(value) {
  const p = Number(value);
  if (value === "" || value === null || value === undefined || !Number.isFinite(p)) return "";
  return p < 0.0001 ? "< 0.0001" : p < 0.01 ? p.toPrecision(2) : String(Number(p.toFixed(3)));
}

const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium" });
const minute = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" });
export const date = (iso) => (iso ? day.format(new Date(iso)) : "");
export const moment = (iso) => (iso ? minute.format(new Date(iso)) : "");
