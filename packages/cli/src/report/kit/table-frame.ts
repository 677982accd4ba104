/** What every table of a page is made of: it scrolls sideways where it is too wide, and a caption says what it is. */
import { html, type Html, type HtmlPart } from './html.js';

export interface TableFrame {
  readonly caption: HtmlPart | undefined;
  /** What the style sheet makes of it; a plain table has none. */
  readonly kind?: 'heat';
  /** The cells of the head's only row. */
  readonly head: HtmlPart;
  /** Rows. */
  readonly body: HtmlPart;
}

/** A table. */
export function tableFrame({ caption, kind, head, body }: TableFrame): Html {
  return html`<div class="scroll">
    <table class="${kind ?? ''}">
      ${
        caption === undefined
          ? undefined
          : html`<caption>
              ${caption}
            </caption>`
      }
      <thead>
        <tr>
          ${head}
        </tr>
      </thead>
      <tbody>
        ${body}
      </tbody>
    </table>
  </div>`;
}
