/**
 * The shell of a report: one self-contained HTML document that loads nothing, reads well on a light or dark screen and on
 * paper. How to write a page: build each part with the functions of this folder and hand the sections to `pageHtml`.
 *
 *   pageHtml({
 *     title: 'Ablation of mnist-fast',
 *     lead: '5 arms, 3 seeds each',
 *     sections: [
 *       { title: 'Results', content: [keyFigures([..]), forestPlot({..}), dataTable({..})] },
 *     ],
 *   })
 *
 * Text that is not made by html`..` is escaped everywhere. A page is a function of its document and of pictures; it reads
 * no clock and no file. Load this folder by a dynamic import: no other command needs it.
 */
import { html, trustedHtml, type Html, type HtmlPart } from './html.js';
import { STYLESHEET } from './stylesheet.js';

export interface Page {
  /** What the page is about; also the title of the window. */
  readonly title: string;
  /** One or two sentences under the title. */
  readonly lead: HtmlPart;
  readonly sections: readonly Section[];
}

export interface Section {
  readonly title: string;
  /** What the section shows and how to read it. */
  readonly intro?: HtmlPart;
  readonly content: HtmlPart;
}

/** What nothing on a page may do: load from elsewhere, or run. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/** The whole document as text. */
export function pageHtml({ title, lead, sections }: Page): string {
  const document = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta http-equiv="Content-Security-Policy" content="${POLICY}" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title}</title>
        <style>
          ${trustedHtml(STYLESHEET)}
        </style>
      </head>
      <body>
        <header>
          <h1>${title}</h1>
          <p class="lead">${lead}</p>
          ${sections.length > 1 ? contentsOf(sections) : undefined}
        </header>
        <main>${sections.map(sectionHtml)}</main>
      </body>
    </html> `;
  return document.markup;
}

function contentsOf(sections: readonly Section[]): Html {
  const links = sections.map(({ title }, i) => html`<li><a href="#${sectionId(i)}">${title}</a></li>`);
  return html`<nav aria-label="Contents">
    <ul>
      ${links}
    </ul>
  </nav>`;
}

function sectionHtml({ title, intro, content }: Section, i: number): Html {
  return html`<section id="${sectionId(i)}">
    <h2>${title}</h2>
    ${intro === undefined ? undefined : html`<p>${intro}</p>`} ${content}
  </section> `;
}

function sectionId(i: number): string {
  return `section-${i + 1}`;
}
