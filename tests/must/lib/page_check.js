// Finds text over other text, outside its box, outside the window, or too small; and colours too close to what they stand on.
(() => {
  const bad = [], texts = [], slack = 1, root = document.body || document.documentElement; // a page, or a picture alone
  const visible = e => { const s = getComputedStyle(e); return s.visibility !== "hidden" && s.display !== "none" && +s.opacity > 0; };
  const cut = (r, b) => ({left: Math.max(r.left, b.left), right: Math.min(r.right, b.right), top: Math.max(r.top, b.top), bottom: Math.min(r.bottom, b.bottom)});
  const page = {left: 0, right: innerWidth, top: -1e9, bottom: 1e9};
  const clip = e => { // what scrolling boxes around e show of it
    let c = null;
    for (let a = e.parentElement; a; a = a.parentElement)
      if (!(a instanceof SVGElement) && a !== document.body && a !== document.documentElement && getComputedStyle(a).overflowX !== "visible")
        c = c ? cut(c, a.getBoundingClientRect()) : a.getBoundingClientRect();
    return c;
  };
  const box = e => { // what e's text must stay inside
    if (e instanceof SVGElement) {
      const card = e.parentElement.querySelector(":scope > rect.card");
      return (card || e.ownerSVGElement).getBoundingClientRect();
    }
    while (getComputedStyle(e).display === "inline") e = e.parentElement;
    return e.getBoundingClientRect();
  };
  const say = (what, t, other) => bad.push(`${what}: "${t.s}"${other ? ` and "${other.s}"` : ""} at ${Math.round(t.r.left)},${Math.round(t.r.top + scrollY)} (${Math.round(t.r.right - t.r.left)} wide)`);
  const walk = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let n = walk.nextNode(); n; n = walk.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || !visible(e) || e.closest("title, desc, style, script") || (e.closest("details:not([open])") && !e.closest("summary"))) continue;
    const range = document.createRange(), c = clip(e), b = box(e);
    range.selectNodeContents(n);
    if (e instanceof SVGElement) {
      const size = parseFloat(getComputedStyle(e).fontSize) * e.getScreenCTM().a;
      if (size < 9) bad.push(`too small, ${size.toFixed(1)} pixels: "${n.data}"`);
    }
    for (const r0 of range.getClientRects()) {
      if (r0.width < 0.5) continue;
      let r = {left: r0.left, right: r0.right, top: r0.top, bottom: r0.bottom};
      const t = {s: n.data.trim().slice(0, 40), r, n};
      if (r.left < b.left - slack || r.right > b.right + slack || r.top < b.top - slack - 3 || r.bottom > b.bottom + slack + 3) say("outside its box", t);
      if (c) r = t.r = cut(r, c);
      if (r.right - r.left < 1 || r.bottom - r.top < 1) continue;
      if (r.left < page.left - slack || r.right > page.right + slack) say("outside the window", t);
      texts.push(t);
    }
  }
  texts.sort((a, b) => a.r.top - b.r.top);
  for (let i = 0; i < texts.length; i++)
    for (let k = i + 1; k < texts.length && texts[k].r.top < texts[i].r.bottom - slack; k++) {
      const a = texts[i].r, b = texts[k].r;
      if (texts[i].n !== texts[k].n && a.left < b.right - slack && b.left < a.right - slack && b.top < a.bottom - slack) say("over each other", texts[i], texts[k]);
    }
  if (document.documentElement.scrollWidth > innerWidth) bad.push(`the page is ${document.documentElement.scrollWidth} wide in a window of ${innerWidth}`);
  const style = getComputedStyle(document.documentElement), light = name => {
    const h = style.getPropertyValue("--" + name).trim();
    const v = [1, 3, 5].map(i => parseInt(h.slice(i, i + 2), 16) / 255).map(x => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
  };
  const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const need = (list, grounds, least) => list.forEach(a => grounds.forEach(b => { if (!(contrast(a, b) >= least)) bad.push(`--${a} on --${b}: contrast ${contrast(a, b).toFixed(2)}, ${least} is needed`); }));
  need(["ink", "dim"], ["bg", "panel", "f32f", "f16f", "i8f"], 4.5);
  need(["new", "ok", "bad", "mark"], ["bg"], 4.5);
  need(["old", "new", "f32", "f16", "i8", "mark"], ["bg"], 3);
  const heads = [...document.querySelectorAll("h1,h2,h3")].map(h => +h.tagName[1]);
  heads.forEach((h, i) => { if (i ? h > heads[i - 1] + 1 : h !== 1) bad.push(`heading ${i + 1} jumps to level ${h}`); });
  for (const s of document.querySelectorAll("svg")) if (!s.getAttribute("aria-label") && !s.getAttribute("aria-labelledby")) bad.push("a picture without a text alternative");
  for (const t of document.querySelectorAll("table")) if (!t.caption || !t.tHead) bad.push("a table without a caption or a head");
  return {bad, texts: texts.length, pictures: document.querySelectorAll("svg").length, height: document.documentElement.scrollHeight};
})()
