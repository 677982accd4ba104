/**
 * Pictures in a row that wraps, each with its caption. Small pictures are enlarged without smoothing, so that every pixel
 * can be seen.
 */
import { html, type Html, type HtmlPart } from './html.js';

export interface GridImage {
  /** A data URI; pages load nothing. */
  readonly source: string;
  /** What the picture shows, for those who cannot see it. */
  readonly alt: string;
  /** Lines under the picture; further ones are set back. */
  readonly caption?: readonly HtmlPart[];
}

export interface ImageGrid {
  readonly images: readonly GridImage[];
  /** Width of each picture on screen, in CSS pixels; heights follow. */
  readonly width: number;
}

/** A list of pictures. */
export function imageGrid({ images, width }: ImageGrid): Html {
  const items = images.map(
    ({ source, alt, caption = [] }) =>
      html`<li>
        <figure>
          <img src="${source}" alt="${alt}" width="${width}" />
          <figcaption>
            ${caption.map((line, i) => html`<span class="${i === 0 ? 'first' : 'note'}">${line}</span>`)}
          </figcaption>
        </figure>
      </li>`,
  );
  return html`<ul class="pictures">
    ${items}
  </ul>`;
}
