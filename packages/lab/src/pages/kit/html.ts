/**
 * HTML that cannot be broken by what stands in it: a template whose every value is escaped unless it is HTML itself.
 * Pure strings; everything that a report shows is built of these.
 */

/** Markup that is safe to put into a page as it is. */
export interface Html {
  readonly markup: string;
}

/** What may stand in a template; lists are joined without anything between, undefined shows nothing. */
export type HtmlPart = Html | string | number | undefined | readonly HtmlPart[];

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template of markup: html`<td title="${name}">${value}</td>`. Attribute values must stand in double quotes. */
export function html(strings: TemplateStringsArray, ...parts: readonly HtmlPart[]): Html {
  return { markup: strings.reduce((markup, text, i) => markup + markupOf(parts[i - 1]) + text) };
}

/** Markup that was written here and holds nothing of a user's, such as a stylesheet. */
export function trustedHtml(markup: string): Html {
  return { markup };
}

function markupOf(part: HtmlPart): string {
  if (part === undefined) return '';
  if (typeof part === 'string') return escapeText(part);
  if (typeof part === 'number') return String(part);
  return isList(part) ? part.map(markupOf).join('') : part.markup;
}

/** A number and its percent sign also stay on one line. */
function escapeText(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character]!).replace(/(\d) %/g, '$1&nbsp;%');
}

function isList(part: Html | readonly HtmlPart[]): part is readonly HtmlPart[] {
  return Array.isArray(part);
}
