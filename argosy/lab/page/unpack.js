// What the page was given, unpacked; and how numbers are said, as the page's own text says them.
document.body.classList.add("js");
const data = JSON.parse(document.getElementById("data").textContent);
const unpack = ([multiply, divide, text]) => {
  const bytes = atob(text), out = [];
  let last = 0, number = 0, place = 1;
  for (let k = 0; k < bytes.length; k++) {
    const byte = bytes.charCodeAt(k);
    number += (byte & 127) * place; place *= 128;
    if (byte > 127) continue;
    if (number) { number -= 1; last += number % 2 ? -(number + 1) / 2 : number / 2; out.push((last * multiply) / divide); } else out.push(null);
    number = 0; place = 1;
  }
  return out;
};
const untext = ([sentences, rows]) => rows.map((row) => { const [place, ...figures] = row.split(" "); return sentences[+place].split("\0").map((part, k) => part + (figures[k] || "")).join(""); });
const packed = (value) => Array.isArray(value) && value.length === 3 && typeof value[0] === "number" && typeof value[2] === "string";
const open = (line) => { for (const key in line) line[key] = key === "why" ? untext(line[key]) : packed(line[key]) ? unpack(line[key]) : line[key]; return line; };
for (const run of data.runs) {
  open(run.curve);
  Object.values(run.signs || {}).forEach(open);
  for (const part of ["rolling", "invested", "reach"]) if (run[part]) open(run[part]);
}
Object.values(data.prices || {}).forEach(open);

const NONE = "–", MINUS = "−";
const sign = { USD: "$", EUR: "€", GBP: "£", JPY: "¥" }[data.currency] || "";
const fixed = (value, places) => (value < 0 ? MINUS : "") + Math.abs(value).toLocaleString("en", { minimumFractionDigits: places, maximumFractionDigits: places });
const cash = (value) => (value < 0 ? MINUS : "") + sign + fixed(Math.abs(value), 0) + (sign ? "" : " " + data.currency);
const brief = (value) => {
  const size = Math.abs(value);
  const [part, unit] = size >= 1e9 ? [size / 1e9, "B"] : size >= 1e6 ? [size / 1e6, "M"] : size >= 1e3 ? [size / 1e3, "k"] : [size, ""];
  return (value < 0 ? MINUS : "") + sign + String(+part.toPrecision(3)) + unit;
};
const plain = (value) => fixed(value, Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
const short = (value) => String(+value.toPrecision(3)).replace("-", MINUS);
const share = (value) => fixed(value, 0) + "\u00a0%";
const day = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 10);
const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(0, 16).replace("T", " ");
const kindOf = (k) => "c" + (k % 10) + (k > 9 ? " again" : "");

const SVG = "http://www.w3.org/2000/svg";
const make = (tag, attributes, parent, text) => {
  const node = document.createElementNS(SVG, tag);
  for (const key in attributes) node.setAttribute(key, attributes[key]);
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
};
const html = (tag, name, text, parent) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.appendChild(node);
  return node;
};
