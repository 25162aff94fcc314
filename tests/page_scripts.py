"""JavaScript that asks the page for all of something at once: a call for each element makes thousands of calls."""

INTO_SIGHT = "arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})"
# They are drawn one after the other, while nothing else is to be done.
DRAWN = """
    const done = arguments[0], undrawn = one => !one.querySelector('canvas, svg');
    (async () => {
        while ([...document.querySelectorAll('.drawing')].some(undrawn)) await new Promise(now => setTimeout(now, 20));
        done();
    })();
"""
# Of copies: a canvas that is read twice makes Chromium complain.
OF_EACH_FIGURE = """
    const pixels = canvas => {
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        return new Uint32Array(copy.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
    };
    return Object.fromEntries([...document.querySelectorAll('figure[data-part]')].map(figure => [
        figure.dataset.part, [...figure.querySelectorAll('canvas')].filter(one => one.width && one.height).map(WHAT),
    ]));
"""
# A canvas with one colour only is blank; which of its pixels are asked for is no matter of chance.
COLOURS = OF_EACH_FIGURE.replace("WHAT", "canvas => new Set(pixels(canvas)).size")
CHECKSUMS = OF_EACH_FIGURE.replace(
    "WHAT",
    "canvas => [canvas.width, canvas.height, pixels(canvas).reduce((sum, one) => (Math.imul(sum, 31) + one) | 0, 0)]",
)
UNFOLDED = """
    const unfolded = part => {
        for (const more of part.querySelectorAll('button.more')) while (more.checkVisibility()) more.click();
        return [...part.querySelectorAll('table[aria-labelledby] > tbody > tr')].map(row => [...row.cells]);
    };
"""
ROWS = f"""
    {UNFOLDED}
    return Object.fromEntries([...document.querySelectorAll('main .table[data-part]')].map(
        part => [part.dataset.part, unfolded(part).map(cells => cells.map(cell => cell.textContent))]
    ));
"""
OFFERED = """
    const offered = part => {
        const offer = URL.createObjectURL, follow = HTMLAnchorElement.prototype.click;
        let made = null;
        URL.createObjectURL = blob => { made = blob; return offer.call(URL, blob); };
        HTMLAnchorElement.prototype.click = () => {};
        [...part.querySelectorAll('button')].find(one => one.textContent === 'CSV').click();
        URL.createObjectURL = offer;
        HTMLAnchorElement.prototype.click = follow;
        return made.text();
    };
"""
OFFERS = f"""
    {OFFERED}
    const done = arguments[0], parts = [...document.querySelectorAll('main .table[data-part]')];
    Promise.all(parts.map(async part => [part.dataset.part, await offered(part)])).then(done);
"""
SORTED = f"""
    {UNFOLDED} {OFFERED}
    const [part, places, done] = arguments, heads = part.querySelectorAll('thead th'), found = [];
    const state = async at => [
        heads[at].getAttribute('aria-sort'), unfolded(part).map(cells => cells[at].textContent), await offered(part)
    ];
    (async () => {{
        for (const at of places) {{
            found.push([await state(at)]);
            for (const turn of [1, 2]) {{
                heads[at].querySelector('button').click();
                found.at(-1).push(await state(at));
            }}
        }}
        done(found);
    }})();
"""
LEAVE = """
    const [title, value] = arguments;
    document.querySelector(`button[aria-label="None: ${title}"]`).click();
    const filter = document.querySelector(`button[aria-label="None: ${title}"]`).closest('details');
    [...filter.querySelectorAll('label')].find(label => label.textContent === value).click();
"""
