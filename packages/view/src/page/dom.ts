/** The few things that the page does with elements. Text is always text, never markup. */

type Child = Node | string;
type Attributes = Readonly<Record<string, string | number | undefined>>;

/** The element of the page with this id. */
export function byId<E extends HTMLElement = HTMLElement>(id: string): E {
  const found = document.getElementById(id);
  if (found === null) throw new Error(`the page has no element '${id}'`);
  return found as E;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  children: readonly Child[] = [],
): HTMLElementTagNameMap[K] {
  const made = document.createElement(name);
  setAll(made, attributes);
  made.append(...children);
  return made;
}

export function svgElement(name: string, attributes: Attributes = {}, children: readonly Child[] = []): SVGElement {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  setAll(made, attributes);
  made.append(...children);
  return made;
}

/** Sets the text if it is another one: screen readers hear of every change. */
export function setText(target: Element, text: string): void {
  if (target.textContent !== text) target.textContent = text;
}

export interface Column {
  readonly title: string;
  readonly look?: 'number' | 'short' | 'long';
}

/** A table; `caption` is for whoever does not see where it stands. */
export function table(
  caption: string,
  columns: readonly Column[],
  rows: readonly (readonly Child[])[],
): HTMLTableElement {
  const head = columns.map(({ title, look }) => element('th', { scope: 'col', class: look }, [title]));
  const body = rows.map((cells) =>
    element(
      'tr',
      {},
      cells.map((cell, place) => element('td', { class: columns[place]?.look }, [cell])),
    ),
  );
  return element('table', {}, [
    element('caption', { class: 'hidden-title' }, [caption]),
    element('thead', {}, [element('tr', {}, head)]),
    element('tbody', {}, body),
  ]);
}

/** Names and values as a list. */
export function descriptions(rows: readonly (readonly [string, string])[]): Node[] {
  return rows.flatMap(([name, value]) => [element('dt', {}, [name]), element('dd', {}, [value])]);
}

function setAll(target: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) target.setAttribute(name, String(value));
  }
}
