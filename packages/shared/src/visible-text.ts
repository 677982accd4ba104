/**
 * Text of strangers as it may be printed: names of files, messages of peers, lines of a broker's log. A control character in it could
 * move the cursor, rename the window or hide what was printed before, so each of them is shown by its number instead.
 */

/** Longer texts are cut: nobody reads them, and they would push everything else off the screen. */
const MOST_CHARACTERS = 16_384;

/**
 * What is never printed: C0 but tab and newline, DEL and C1, marks and overrides of the direction of writing, separators of lines
 * and paragraphs, and halves of surrogate pairs.
 */

const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|\p{Surrogate}/gu;

/** Text of any number of lines. */
export function visibleText(text: string): string {
  const cut = text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`;
  return cut.replace(HIDDEN, escaped);
}

/** Text that must stay on its line: a name in a list, a cell of a table. */
export function visibleLine(text: string): string {
  return visibleText(text).replace(/[\t\n]/g, escaped);
}

/** A value as one line of JSON that means the same and holds nothing hidden. */
export function visibleJson(value: unknown): string {
  return escapeInJson(JSON.stringify(value));
}

/** The same JSON, in which everything that is hidden is escaped. */
export function escapeInJson(json: string): string {
  return json.replace(HIDDEN, (character) => `\\u${numberOf(character)}`);
}

/** A copy of data as it came over a wire in which every text stays on its line. */
export function visibleValues<T>(value: T): T {
  if (typeof value === 'string') return visibleLine(value) as T;
  if (Array.isArray(value)) return value.map(visibleValues) as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, visibleValues<unknown>(member)])) as T;
}

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  if (character === '\t') return '\\t';
  const number = numberOf(character);
  return number.startsWith('00') ? `\\x${number.slice(2)}` : `\\u${number}`;
}

function numberOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0');
}
