/**
 * What every table of a page is made of: a caption says what it is; where it is too wide it scrolls sideways, by keyboard
 * too, and a shadow at its edge shows that there is more.
 */
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

/** A table. Its caption stands outside of what scrolls, so that it can always be read. */
export function tableFrame({ caption, kind, head, body }: TableFrame): Html {
  return html`<figure class="table">
    ${caption === undefined ? undefined : html`<figcaption>${caption}</figcaption>`}
    <div class="scroll" role="group" tabindex="0" aria-label="table, may scroll sideways">
      <table class="${kind ?? ''}">
        <thead>
          <tr>
            ${head}
          </tr>
        </thead>
        <tbody>
          ${body}
        </tbody>
      </table>
    </div>
  </figure>`;
}
