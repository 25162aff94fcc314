// What a mark says when it is pointed at: names from people's files, so it is written by textContent.

function showTooltip(_handler, event, _item, value) {
  const box = document.getElementById("tooltip");
  const entries = value !== null && typeof value === "object" ? Object.entries(value) : value ? [["", value]] : [];
  const said = entries.filter(([, one]) => !["null", "undefined", "NaN", ""].includes(String(one)));
  box.hidden = !said.length;
  if (box.hidden) return;
  const list = make("dl");
  for (const [name, one] of said) list.append(make("dt", { textContent: name }), make("dd", { textContent: String(one) }));
  box.replaceChildren(list);
  const gap = 14, { innerWidth, innerHeight } = window;
  const left = event.clientX + gap + box.offsetWidth > innerWidth ? event.clientX - gap - box.offsetWidth : event.clientX + gap;
  const top = event.clientY + gap + box.offsetHeight > innerHeight ? event.clientY - gap - box.offsetHeight : event.clientY + gap;
  box.style.left = `${Math.max(4, left)}px`;
  box.style.top = `${Math.max(4, top)}px`;
}
