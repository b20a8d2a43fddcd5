// Where the lines of a scale are drawn, and what is written at them.
const steps = (low, high, count) => {
  const raw = (high - low) / count || 1, power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((k) => k * power).find((k) => k >= raw);
  const out = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step * 1e-9; at += step) out.push(Math.abs(at) < step * 1e-9 ? 0 : at);
  return out;
};
const decades = (low, high) => {
  for (const set of [[1], [1, 3], [1, 2, 5], [1, 1.5, 2, 3, 5, 7]]) {
    const out = [];
    for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) for (const k of set) { const at = k * 10 ** power; if (at >= low && at <= high) out.push(at); }
    if (out.length >= 3) return out;
  }
  return steps(low, high, 4);
};
const dates = (from, to, room) => {
  const span = to - from, most = Math.max(2, Math.floor(room / 76)), out = [];
  const begin = new Date(from * 1000);
  const months = [1, 2, 3, 6, 12, 24, 36, 60, 120, 240].find((k) => span / (k * 2629800) <= most);
  if (span > 60 * 86400 && months) {
    const step = months;
    let at = new Date(Date.UTC(begin.getUTCFullYear(), step >= 12 ? 0 : Math.floor(begin.getUTCMonth() / step) * step, 1));
    if (step >= 12) at.setUTCFullYear(Math.ceil(at.getUTCFullYear() / (step / 12)) * (step / 12));
    for (; at / 1000 <= to; at.setUTCMonth(at.getUTCMonth() + step)) if (at / 1000 >= from) {
      const january = at.getUTCMonth() === 0;
      out.push([at / 1000, january || step >= 12 ? String(at.getUTCFullYear()) : at.toLocaleString("en", { month: "short", timeZone: "UTC" })]);
    }
    return out;
  }
  const step = [60, 300, 900, 3600, 14400, 43200, 86400, 2 * 86400, 7 * 86400, 14 * 86400, 28 * 86400].find((k) => span / k <= most) || 28 * 86400;
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) {
    const date = new Date(at * 1000);
    out.push([at, step < 86400 && at % 86400 ? date.toISOString().slice(11, 16) : date.toLocaleString("en", { month: "short", day: "numeric", timeZone: "UTC" })]);
  }
  return out;
};
const before = (list, value) => {
  let low = 0, high = list.length - 1;
  while (low < high) { const middle = (low + high + 1) >> 1; if (list[middle] <= value) low = middle; else high = middle - 1; }
  return low;
};
const wide = (lists) => { let low = Infinity, high = 0; for (const list of lists) for (const value of list) if (value !== null) { low = Math.min(low, value); high = Math.max(high, value); } return low > 0 && high / low > 5; };
