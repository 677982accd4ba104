import { expect, it } from 'vitest';
import { styledLine, terminalPage } from './terminal-page.mjs';

const ESCAPE = String.fromCodePoint(27);

it('keeps text and its styles, and nothing else of a terminal', () => {
  const bold = `${ESCAPE}[1m a < b ${ESCAPE}[22m c ${ESCAPE}[2;32md${ESCAPE}[0m e${ESCAPE}[K`;
  expect(styledLine(bold)).toBe(
    '<span style="font-weight:700"> a &lt; b </span> c <span style="opacity:0.65;color:#8fd694">d</span> e',
  );
});

it('leaves out the empty lines at the end of a screen, and is as large as its text', () => {
  const { page, width, height } = terminalPage([`one\n${ESCAPE}[1mtwo${ESCAPE}[0m\n\n\n`, 'three\n']);
  expect(page).toContain('one\n<span style="font-weight:700">two</span>\n\nthree</pre>');
  expect([width, height]).toEqual([40 + Math.ceil(5 * 9.04), 40 + 4 * 21]);
});
