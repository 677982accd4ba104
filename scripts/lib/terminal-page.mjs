// A picture of a terminal as an HTML page: text with the escape sequences for bold, dim, green and red that the palette of
// the command line writes. Everything else that a sequence may ask for is left out.

const STYLES = { 1: 'font-weight:700', 2: 'opacity:0.65', 31: 'color:#ff8f85', 32: 'color:#8fd694' };
const ENTITIES = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };
/** What follows the escape character of a sequence that sets a style. */
const CODES = /^([\d;]*)[A-Za-z]/;
const ESCAPE = String.fromCodePoint(27);

const CHARACTER = { width: 9.04, height: 21 };
const MARGIN = 20;

/** Screens of one terminal, in their order, as a page; and how large a window shows it whole. */
export function terminalPage(screens) {
  const lines = screens.flatMap((screen, i) => [...(i === 0 ? [] : ['']), ...screen.trimEnd().split('\n')]);
  const page = `<!doctype html><meta charset="utf-8"><style>
    body { margin: 0; padding: ${MARGIN}px; background: #14181d; color: #e4e8ec; width: max-content; }
    pre { margin: 0; font: 15px/${CHARACTER.height}px "DejaVu Sans Mono", "Liberation Mono", monospace; }
  </style><pre>${lines.map(styledLine).join('\n')}</pre>`;
  const longest = Math.max(...lines.map((line) => line.split(`${ESCAPE}[`).map(withoutCodes).join('').length));
  return {
    page,
    width: 2 * MARGIN + Math.ceil(longest * CHARACTER.width),
    height: 2 * MARGIN + lines.length * CHARACTER.height,
  };
}

function withoutCodes(part, i) {
  return i === 0 ? part : part.replace(CODES, '');
}

/** One line; what a sequence switches on ends with the line at the latest. */
export function styledLine(line) {
  const [first, ...parts] = line.split(`${ESCAPE}[`);
  const active = new Set();
  const styled = parts.map((part) => {
    const [sequence, codes] = CODES.exec(part) ?? ['', ''];
    for (const code of codes.split(';')) {
      if (code === '' || code === '0') active.clear();
      else if (code === '22') ['1', '2'].forEach((each) => active.delete(each));
      else if (code === '39') ['31', '32'].forEach((each) => active.delete(each));
      else if (code in STYLES) active.add(code);
    }
    const text = escaped(part.slice(sequence.length));
    if (text === '' || active.size === 0) return text;
    return `<span style="${[...active].map((code) => STYLES[code]).join(';')}">${text}</span>`;
  });
  return escaped(first) + styled.join('');
}

function escaped(text) {
  return text.replace(/[&<>]/g, (character) => ENTITIES[character]);
}
