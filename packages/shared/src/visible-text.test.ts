import fc from 'fast-check';
import { expect, it } from 'vitest';
import { escapeInJson, visibleJson, visibleLine, visibleText, visibleValues } from './visible-text.js';

/** What a terminal could take for a command, said in another way than the code does. */
function isCommand(character: string): boolean {
  const code = character.codePointAt(0)!;
  return (code < 32 && code !== 9 && code !== 10) || (code >= 127 && code < 160) || (code >= 0x202a && code <= 0x202e);
}

const text = fc.string({
  unit: fc.oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
    fc.constantFrom('\u001b', '\u009b', '\u202e', '\r'),
  ),
});

it.each([
  ['\u001b]0;mine\u0007', '\\x1b]0;mine\\x07'],
  ['a\u009b2Jb', 'a\\x9b2Jb'],
  ['txt.\u202egnp', 'txt.\\u202egnp'],
  ['half \ud800', 'half \\ud800'],
  ['größe 😀 漢字', 'größe 😀 漢字'],
])('shows %j as %j', (hidden, shown) => {
  expect(visibleText(hidden)).toBe(shown);
});

it('keeps lines, or shows them as one', () => {
  expect(visibleText('a\n\tb\r')).toBe('a\n\tb\\x0d');
  expect(visibleLine('a\n\tb')).toBe('a\\n\\tb');
});

it('cuts what nobody reads', () => {
  expect(visibleText('x'.repeat(20_000))).toHaveLength(16_385);
});

it('holds no command, whatever the text', () => {
  fc.assert(
    fc.property(text, (any) => {
      expect([...visibleText(any)].filter(isCommand)).toEqual([]);
      expect(visibleLine(any)).not.toMatch(/[\n\t]/);
    }),
  );
});

it('as JSON means the same', () => {
  fc.assert(
    fc.property(fc.record({ [`\u009b`]: text, list: fc.array(text) }), (value) => {
      const json = visibleJson(value);
      expect([...json].filter(isCommand)).toEqual([]);
      expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify(value)));
      expect(escapeInJson(json)).toBe(json);
    }),
  );
});

it('reaches every text of a message and leaves the rest', () => {
  const value = { name: 'a\u001b', list: [{ host: '\n' }], bytes: Buffer.from('\u001b'), step: 3, none: null };
  expect(visibleValues(value)).toEqual({ ...value, name: 'a\\x1b', list: [{ host: '\\n' }] });
});
