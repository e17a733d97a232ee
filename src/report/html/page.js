"use strict";
// Everything from a file is put in as text, never as markup.
// The last one stands behind the last comma.
const rows = JSON.parse(document.getElementById("rows").textContent).slice(0, -1);
const facts = JSON.parse(document.getElementById("facts").textContent);
const PAGE = 100;
const WORDS = {
  en: { all: "All", search: "Search app, package, path, signer", first: "What to take down first", more: n => `and ${n.toLocaleString()} more in the list below`,
    app: "App", verdict: "Verdict", signer: "Signed by", developer: "Developer", owner: "Owner of the package", why: "Why", path: "File", size: "Size", none: "none", nobody: "nobody that verifies", several: "several signers: see the members", some: "not every member verifies: see the members",
    expected: "Expected", actual: "Found", shown: (a, b, n) => n ? `${a.toLocaleString()} to ${b.toLocaleString()} of ${n.toLocaleString()} files` : "no file matches", previous: "Previous", next: "Next",
    back: "Back to the list", apps: "Apps", signers: "Signers", files: "Files", packages: "Packages", package: "Package", name: "Name", also: "Other names on some devices", icon: name => `Icon of ${name}`, icons: n => `To keep the page small, the icons of ${n} files are not in it; the JSON report has their SHA-256.`, claims: "claims to be", cause: "Cause", remedy: "What to do",
    findings: "Findings", nothing: "Nothing was found.", android: "Whom Android sees", versions: "Android API levels", scheme: "Scheme", registered: "Registered", here: "This file", known: "registered as", others: n => `and ${n} more in it`, signed: (shown, n) => shown < n ? `${shown} of ${n} signers, those of the most packages` : `${n} ${n === 1 ? "signer" : "signers"}`,
    unverified: "not verified", rules: "Broken rules of the policy", onwards: "and newer", subject: "Calls itself", sha256: "SHA-256 of the file", cut: n => `and ${n} more findings: see the JSON report`, theme: "Dark or light", distributor: "Distributor" },
  zh: { all: "全部", search: "搜索应用名、包名、路径、签名者", first: "最先应下架", more: n => `下方列表中还有 ${n.toLocaleString()} 个`,
    app: "应用", verdict: "结论", signer: "签名者", developer: "开发者", owner: "包名登记于", why: "原因", path: "文件", size: "大小", none: "无", nobody: "没有可验证的签名者", several: "多个签名者：见各成员", some: "部分成员没有可验证的签名者：见各成员",
    expected: "应为", actual: "实为", shown: (a, b, n) => n ? `第 ${a.toLocaleString()} 至 ${b.toLocaleString()} 个，共 ${n.toLocaleString()} 个文件` : "没有匹配的文件", previous: "上一页", next: "下一页",
    back: "返回列表", apps: "应用", signers: "签名者", files: "文件数", packages: "包名", package: "包名", name: "应用名", also: "在部分设备上的其他名称", icon: name => `${name} 的图标`, icons: n => `为控制页面大小，有 ${n} 个文件的图标未放入；JSON 报告含其 SHA-256。`, claims: "自称", cause: "成因", remedy: "处理办法",
    findings: "发现", nothing: "没有发现问题。", android: "各 Android 版本看到的签名者", versions: "Android API 级别", scheme: "方案", registered: "登记的签名者", here: "此文件的签名者", known: "登记为", others: n => `（其中另有 ${n} 个）`, signed: (shown, n) => shown < n ? `共 ${n} 个签名者，列出包名最多的 ${shown} 个` : `${n} 个签名者`,
    unverified: "未验证", rules: "违反的策略规则", onwards: "及更高", subject: "自称", sha256: "文件的 SHA-256", cut: n => `另有 ${n} 项发现，见 JSON 报告`, theme: "深色或浅色", distributor: "分发者" },
};
const state = { lang: "en", view: "apps", only: "", q: "", sort: "verdict", down: false, page: 0, app: -1 };
const $ = id => document.getElementById(id);
const word = name => WORDS[state.lang][name];
// A word that something follows.
const told = name => word(name) + (state.lang === "zh" ? "：" : ": ");
const collator = new Intl.Collator(undefined, { numeric: true });

function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== ""));
  return element;
}
const bdi = (text, classes) => make("bdi", classes ? { class: classes } : null, text);
// It breaks into lines behind a separator, if it can.
const path = text => make("bdi", { class: "mono" }, text.split(/(?<=[/])/).flatMap((part, at) => at ? [make("wbr"), part] : [part]));
function verdict(name, count) {
  const of = facts.outcomes[name];
  return make("span", { class: `verdict ${of.tone}` }, make("span", { "aria-hidden": "true" }, of.sign), of[state.lang], count === undefined ? "" : ` ${count.toLocaleString()}`);
}
const rank = row => facts.outcomes[row.o].rank;
const short = digest => `${digest.slice(0, 8)}…${digest.slice(-8)}`;
// Digests cut short: the page of an app has them whole.
const cut = text => text.replace(/[0-9a-f]{64}/g, short);
const pack = row => row.k || row.c || "";
const title = row => row.l || pack(row) || row.p;
function finding(item) {
  const [code, , rest, zh] = item;
  const of = facts.codes[code];
  return state.lang === "zh" ? (zh || of.zh + rest).replace(`${of.zh}: `, `${of.zh}：`) : of.en + rest;
}
// What a finding expected and found, in the language of the page.
const values = item => state.lang === "zh" ? [item[8] || item[4], item[9] || item[5]] : [item[4], item[5]];
// A name that the registry has in one language or in two.
const named = pair => pair ? state.lang === "zh" && pair[1] || pair[0] : "";
// What stands between backticks is code.
const rich = text => text.split("`").map((part, at, all) => at % 2 && at + 1 < all.length ? make("code", null, part) : part);
const icon = row => row.i ? make("img", { class: "icon", alt: word("icon")(title(row)), src: facts.icons[row.i], width: "40", height: "40", decoding: "async" }) : "";
// Beside what a file says of itself, and nobody has signed.
const unverified = row => row.u ? [" ", make("span", { class: "faint" }, word("unverified"))] : [];
// The package, where the name of the app stands in its place.
const packaged = row => row.l && pack(row) ? make("div", { class: "faint" }, bdi(pack(row))) : "";
const version = row => [row.v, row.n === undefined ? "" : `(${row.n})`].filter(Boolean).join(" ");
function size(bytes) {
  if (bytes === undefined) return "";
  const units = ["B", "KiB", "MiB", "GiB"];
  let at = 0;
  while (bytes >= 1024 && at < 3) { bytes /= 1024; at += 1; }
  return `${at ? bytes.toFixed(1) : bytes} ${units[at]}`;
}
function signers(row) {
  if (!row.g.length) return [make("span", { class: "faint" }, word(row.b || "nobody"))];
  return row.g.map(([digest, subject]) => make("div", null, bdi(subject), make("br"), make("button", { class: "plain mono", title: digest, onclick: () => search(digest) }, short(digest))));
}

let order = [];
function select() {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = row => {
    if (state.only && row.o !== state.only) return false;
    if (!words.length) return true;
    const text = [row.p, row.k, row.c, row.l, ...(row.w || []), row.d, row.z, ...(row.q || []), ...(row.t || []).flat(2), row.o, row.e, ...row.g.flat(), ...row.f.map(item => item[0])].join("\n").toLowerCase();
    return words.every(word => text.includes(word));
  };
  const keys = { verdict: row => rank(row), app: title, signer: row => row.g.length ? row.g[0][1] : "", path: row => row.p, size: row => row.s || 0 };
  const key = keys[state.sort];
  const compare = (a, b) => typeof a === "number" ? a - b : collator.compare(a, b);
  order = rows.map((row, at) => at).filter(at => matches(rows[at]));
  const keyed = new Map(order.map(at => [at, key(rows[at])]));
  order.sort((a, b) => (state.down ? -1 : 1) * compare(keyed.get(a), keyed.get(b)) || a - b);
}

function chips() {
  const counts = {};
  for (const row of rows) counts[row.o] = (counts[row.o] || 0) + 1;
  const names = Object.keys(facts.outcomes).filter(name => counts[name]).sort((a, b) => facts.outcomes[a].rank - facts.outcomes[b].rank);
  const chip = (name, inside) => make("li", null, make("button", { "aria-pressed": String(state.only === name), onclick: () => go({ only: name, page: 0, view: "apps", app: -1 }) }, inside));
  $("chips").replaceChildren(chip("", `${word("all")} ${rows.length.toLocaleString()}`), ...names.map(name => chip(name, verdict(name, counts[name]))));
  const svg = $("bar");
  const whole = rows.length || 1;
  svg.setAttribute("aria-label", names.map(name => `${facts.outcomes[name][state.lang]} ${counts[name]}`).join(", "));
  let x = 0;
  svg.replaceChildren(...names.map(name => {
    const rect = document.createElementNS(svg.namespaceURI, "rect");
    const width = 1000 * counts[name] / whole;
    for (const [key, value] of Object.entries({ x, y: 0, width, height: 22, class: facts.outcomes[name].tone })) rect.setAttribute(key, value);
    const label = document.createElementNS(svg.namespaceURI, "title");
    label.textContent = `${facts.outcomes[name][state.lang]}: ${counts[name]}`;
    rect.append(label);
    x += width;
    return rect;
  }));
}

// What is held against each other: signers, or what the first finding with two values expected and found.
function pair(row) {
  const lines = digests => digests.map(digest => make("code", { title: digest }, short(digest), make("br")));
  const side = (label, name, inside) => make("div", null, make("span", { class: "faint" }, label), make("br"), name ? [bdi(name), make("br")] : "", inside);
  const digests = text => (text || "").match(/[0-9a-f]{64}/g) || [];
  const foreign = row.f.find(item => item[0] === "signer-not-allowed" && item[4]);
  // What the finding speaks of may be seen by older Android versions alone.
  const [registered, found] = foreign ? [digests(foreign[4]), digests(foreign[5])] : row.x ? [row.x[0], row.g.map(([digest]) => digest)] : [[], []];
  if (registered.length && found.length) {
    const subjects = row.g.filter(([digest]) => found.includes(digest)).map(([, subject]) => subject).join(", ");
    const known = (row.t || []).filter(([digest]) => found.includes(digest)).map(([, pair]) => named(pair)).join(", ");
    return make("div", { class: "pair" }, side(word("registered"), named(row.q || (row.d ? [row.d, row.z] : null)), lines(registered)),
      side(word("here"), subjects, [lines(found), known ? [make("span", { class: "faint" }, `${word("known")} `), bdi(known)] : ""].flat()));
  }
  const other = row.f.find(item => item[4] && item[5]);
  return other ? make("div", { class: "pair" }, side(word("expected"), "", make("code", { title: values(other)[0] }, cut(values(other)[0]))), side(word("actual"), "", make("code", { title: values(other)[1] }, cut(values(other)[1])))) : "";
}
// What is to be taken down first. Of a container one stands for all of it: the member that is as bad as itself, if there is one.
let worst = null;
function gather() {
  worst = [];
  const is = at => facts.outcomes[rows[at].o].first;
  for (let at = 0; at < rows.length; at += 1 + (rows[at].y || 0)) {
    const inside = [];
    for (let member = at; member <= at + (rows[at].y || 0); member += 1) if (is(member)) inside.push(member);
    if (!inside.length) continue;
    const same = inside.filter(member => !rows[member].y && rows[member].o === rows[at].o);
    worst.push({ at: same.length ? same[0] : inside[0], others: Math.max(0, inside.filter(member => !rows[member].y).length - 1) });
  }
  worst.sort((a, b) => rank(rows[a.at]) - rank(rows[b.at]) || a.at - b.at);
}
function cards() {
  if (!worst) gather();
  $("first").hidden = !worst.length || state.view !== "apps" || state.q !== "";
  const shown = worst.slice(0, 6).map(({ at, others }) => {
    const row = rows[at];
    const main = row.f[0];
    return make("article", { class: "card" }, icon(row), make("h3", null, open(at, title(row)), ...unverified(row), " ", bdi(version(row), "faint")), packaged(row), verdict(row.o),
      make("p", null, bdi(row.e || (main ? cut(finding(main)) : ""))), pair(row), make("p", { class: "faint" }, path(row.p), others ? ` ${word("others")(others)}` : ""));
  });
  $("cards").replaceChildren(...shown);
  $("more").textContent = worst.length > 6 ? word("more")(worst.length - 6) : "";
}
const open = (at, text) => make("button", { class: "plain", onclick: () => go({ app: at }) }, bdi(text));

function table() {
  select();
  const head = (name, label) => make("th", { scope: "col", "aria-sort": state.sort === name ? (state.down ? "descending" : "ascending") : "none" },
    make("button", { onclick: () => go({ sort: name, down: state.sort === name && !state.down, page: 0 }) }, label));
  const start = state.page * PAGE;
  const page = order.slice(start, start + PAGE);
  const line = at => {
    const row = rows[at];
    const main = row.f[0];
    return make("tr", null, make("td", null, verdict(row.o)),
      make("td", row.i ? { class: "iconed" } : null, icon(row), open(at, title(row)), ...unverified(row), packaged(row), make("div", { class: "faint" }, bdi(version(row)))),
      make("td", null, signers(row)), make("td", null, bdi(row.e || (main ? cut(finding(main)) : ""))), make("td", null, path(row.p), make("div", { class: "faint" }, size(row.s))));
  };
  $("head").replaceChildren(make("tr", null, head("verdict", word("verdict")), head("app", word("app")), head("signer", word("signer")), make("th", { scope: "col" }, word("why")), head("path", word("path"))));
  $("body").replaceChildren(...page.map(line));
  $("status").textContent = word("shown")(start + 1, start + page.length, order.length);
  $("icons").textContent = facts.icons_left_out ? word("icons")(facts.icons_left_out.toLocaleString()) : "";
  const pages = Math.max(1, Math.ceil(order.length / PAGE));
  const turn = (label, page, can) => make("button", { disabled: !can, onclick: () => go({ page }) }, label);
  $("pager").replaceChildren(turn(word("previous"), state.page - 1, state.page > 0), ` ${state.page + 1} / ${pages} `, turn(word("next"), state.page + 1, state.page + 1 < pages));
}

let bySigner = null;
function signerTable() {
  if (!bySigner) {
    bySigner = new Map();
    for (const row of rows) for (const [digest, subject] of row.g) {
      const entry = bySigner.get(digest) || { digest, subject, files: 0, packages: new Set(), outcomes: {}, developers: new Map() };
      entry.files += 1;
      if (row.d && !(row.t || []).some(([key]) => key === digest)) entry.developers.set(row.d, [row.d, row.z]);
      for (const [key, pair] of row.t || []) if (key === digest) entry.developers.set(pair[0], pair);
      if (row.k) entry.packages.add(row.k);
      entry.outcomes[row.o] = (entry.outcomes[row.o] || 0) + 1;
      bySigner.set(digest, entry);
    }
  }
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = entry => {
    const text = [entry.digest, entry.subject, ...entry.developers.keys(), ...[...entry.developers.values()].map(pair => pair[1] || ""), ...entry.packages].join("\n").toLowerCase();
    return words.every(word => text.includes(word));
  };
  const all = [...bySigner.values()].filter(matches).sort((a, b) => b.packages.size - a.packages.size || b.files - a.files);
  const page = all.slice(0, 500);
  $("signer-status").textContent = word("signed")(page.length, all.length);
  $("signer-head").replaceChildren(make("tr", null, ["signer", "developer", "packages", "files", "verdict"].map(name => make("th", { scope: "col" }, word(name)))));
  const cell = (name, ...inside) => make("td", name ? { "data-label": word(name) } : null, ...inside);
  $("signer-body").replaceChildren(...page.map(entry => make("tr", null,
    cell("", bdi(entry.subject), make("br"), make("button", { class: "plain mono", title: entry.digest, onclick: () => search(entry.digest) }, short(entry.digest))),
    cell(entry.developers.size ? "developer" : "", bdi([...entry.developers.values()].map(named).join(", "))), cell("packages", String(entry.packages.size), make("div", { class: "faint" }, bdi([...entry.packages].slice(0, 5).join(", ") + (entry.packages.size > 5 ? ", …" : "")))),
    cell("files", String(entry.files)), cell("", make("div", { class: "chips" }, Object.keys(entry.outcomes).sort((a, b) => facts.outcomes[a].rank - facts.outcomes[b].rank).map(name => verdict(name, entry.outcomes[name])))))));
}

function appPage() {
  const row = rows[state.app];
  const parts = [make("p", null, make("button", { onclick: () => go({ app: -1 }) }, `← ${word("back")}`)), make("div", { class: "titled" }, icon(row), make("h2", { tabindex: "-1", id: "app-title" }, bdi(title(row)), ...unverified(row), " ", bdi(version(row), "faint"))), verdict(row.o)];
  const fact = (label, value) => value ? make("div", null, make("dt", null, label), make("dd", null, value)) : null;
  parts.push(make("dl", { class: "facts" }, fact(word("name"), row.l ? [bdi(row.l), ...unverified(row)] : null), fact(word("also"), row.w ? [...row.w.flatMap((name, at) => [at ? " · " : "", bdi(name)]), ...unverified(row)] : null), fact(word("package"), row.k ? bdi(row.k) : null), fact(word("claims"), row.c ? bdi(row.c) : null), fact(word("path"), path(row.p)), fact(word("size"), size(row.s)),
    fact(word("owner"), row.q ? bdi(named(row.q)) : null), fact(word("developer"), row.d ? bdi(state.lang === "zh" && row.z ? row.z : row.d) : null), fact(word("sha256"), row.h ? make("code", null, row.h) : null), fact(word("rules"), row.r ? row.r.join(", ") : null)));
  parts.push(make("h3", null, word("signer")), ...signers(row).map(part => make("div", null, part)), ...row.g.map(([digest]) => make("code", null, digest, make("br"))), pair(row));
  if (row.x && row.x[1]) parts.push(make("p", null, make("strong", null, told("remedy")), make("bdi", null, rich(row.x[state.lang === "zh" ? 2 : 1]))));
  parts.push(make("h2", null, word("findings")));
  if (row.e) parts.push(make("p", null, bdi(row.e)));
  if (!row.f.length && !row.e) parts.push(make("p", null, word("nothing")));
  for (const item of row.f) {
    const [code, severity, , , , , english, chinese] = item;
    const [expected, actual] = values(item);
    const [meaning, cause, remedy] = facts.codes[code].told[state.lang === "zh" ? 1 : 0];
    const place = state.lang === "zh" && chinese || english;
    parts.push(make("section", { class: `finding ${severity}` }, make("h3", null, bdi(finding(item))), make("p", { class: "faint" }, make("code", null, code), place ? " · " : "", place ? bdi(place) : ""),
      expected || actual ? make("div", { class: "values" }, make("span", { class: "faint" }, word("expected")), bdi(expected || "", "mono"), make("span", { class: "faint" }, word("actual")), bdi(actual || "", "mono")) : "",
      meaning ? make("p", null, rich(meaning)) : "", cause ? make("p", null, make("strong", null, told("cause")), rich(cause)) : "", remedy ? make("p", null, make("strong", null, told("remedy")), rich(remedy)) : ""));
  }
  if (row.m) parts.push(make("p", { class: "faint" }, word("cut")(row.m)));
  if (row.a && row.a.length) parts.push(make("h2", null, word("android")), make("div", { class: "scroll" }, make("table", null, make("thead", null, make("tr", null, ["versions", "scheme", "signer"].map(name => make("th", { scope: "col" }, word(name))))),
    make("tbody", null, row.a.map(([low, high, scheme, digests]) => make("tr", null, make("td", null, high ? `${low} – ${high}` : `${low} ${word("onwards")}`), make("td", null, scheme), make("td", null, digests.map(digest => make("code", null, digest, make("br"))))))))));
  $("app").replaceChildren(...parts);
}

function search(text) { go({ q: text, view: "apps", only: "", page: 0, app: -1 }); }
function go(change) { Object.assign(state, change); draw(); write(); if ("app" in change) { scrollTo(0, 0); const heading = $("app-title"); if (change.app >= 0 && heading) heading.focus(); } }
function write() {
  const kept = Object.entries(state).filter(([name, value]) => name !== "lang" && value !== "" && value !== false && value !== -1 && !(name === "page" && !value) && !(name === "view" && value === "apps") && !(name === "sort" && value === "verdict"));
  history.replaceState(null, "", `#${new URLSearchParams(kept)}`);
}
function read() {
  const from = new URLSearchParams(location.hash.slice(1));
  for (const name of ["view", "only", "q", "sort"]) if (from.has(name)) state[name] = from.get(name);
  state.down = from.get("down") === "true";
  state.page = Math.max(0, Number.parseInt(from.get("page") || "0", 10) || 0);
  state.app = Number.parseInt(from.get("app") || "-1", 10);
  if (!(state.app < rows.length)) state.app = -1;
  if (state.only && !facts.outcomes[state.only]) state.only = "";
  if (!["verdict", "app", "signer", "path"].includes(state.sort)) state.sort = "verdict";
  if (state.view !== "signers") state.view = "apps";
  if (["en", "zh"].includes(from.get("lang"))) state.lang = from.get("lang");
  if (["light", "dark"].includes(from.get("theme"))) document.documentElement.dataset.theme = from.get("theme");
}
function draw() {
  document.documentElement.lang = state.lang === "zh" ? "zh-Hans" : "en";
  document.documentElement.dataset.lang = state.lang;
  for (const button of document.querySelectorAll("[data-set-lang]")) button.setAttribute("aria-pressed", String(button.dataset.setLang === state.lang));
  $("theme").setAttribute("aria-label", word("theme"));
  const app = state.app >= 0;
  $("app").hidden = !app;
  $("overview").hidden = app;
  if (app) { appPage(); return; }
  chips();
  cards();
  $("q").placeholder = word("search");
  $("q").setAttribute("aria-label", word("search"));
  if ($("q").value !== state.q) $("q").value = state.q;
  $("views").replaceChildren(...["apps", "signers"].map(view => make("button", { "aria-pressed": String(state.view === view), onclick: () => go({ view }) }, word(view))));
  $("apps").hidden = state.view !== "apps";
  $("signers").hidden = state.view !== "signers";
  if (state.view === "apps") table(); else signerTable();
}

state.lang = navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en";
document.documentElement.dataset.theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
read();
for (const button of document.querySelectorAll("[data-set-lang]")) button.addEventListener("click", () => go({ lang: button.dataset.setLang }));
$("theme").addEventListener("click", () => { const root = document.documentElement; root.dataset.theme = root.dataset.theme === "dark" ? "light" : "dark"; });
let waiting = 0;
$("q").addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(() => go({ q: $("q").value, page: 0 }), 120); });
addEventListener("keydown", event => { if (event.key === "/" && !(event.target instanceof HTMLInputElement) && !$("overview").hidden) { event.preventDefault(); $("q").focus(); } });
addEventListener("hashchange", () => { read(); draw(); });
$("static").hidden = true;
for (const part of document.querySelectorAll("[data-live]")) part.hidden = false;
draw();
