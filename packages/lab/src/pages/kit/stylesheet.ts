/**
 * How every report looks: one column, system fonts, figures of equal width, colours that keep their contrast in light and
 * dark, and a print form without cut charts. Class names are those that the other files of this folder write.
 */

import { toneClass, TONES } from './tone.js';

/** Colours of chart series, in order; a seventh series begins again with the first. */
export const SERIES_COUNT = 6;

/** How much of a tone the strongest cell of a heat map has, in percent. */
export const HEAT_SHARE = { light: 62, dark: 40 };

export const LIGHT = `
  --page: #ffffff; --ink: #1c2430; --muted: #586371; --line: #d9dee4; --soft: #f3f5f7;
  --shade: rgb(28 36 48 / 0.3); --accent: #2f6fab; --good: #2e7d43; --bad: #b3261e;
  --training: #2f6fab; --held-out: #8350a0; --test: #1f7a6d; --attacked: #a8324f; --neutral: #5b6673; --warm: #c2571a;
  --series-1: #2f6fab; --series-2: #c2571a; --series-3: #2e7d43; --series-4: #8350a0; --series-5: #a8324f; --series-6: #6b6f2a;
`;

export const DARK = `
  --page: #14181d; --ink: #e4e8ec; --muted: #a0abb7; --line: #343c46; --soft: #1d2329;
  --shade: rgb(0 0 0 / 0.75); --accent: #6ea8dc; --good: #78c08d; --bad: #f0857d;
  --training: #6ea8dc; --held-out: #c39bdb; --test: #5cc4b4; --attacked: #ec8fa5; --neutral: #a0abb7; --warm: #e8925a;
  --series-1: #6ea8dc; --series-2: #e8925a; --series-3: #78c08d; --series-4: #c39bdb; --series-5: #ec8fa5; --series-6: #c5c873;
`;

/** The text of the style element. */
export const STYLESHEET = `
:root { color-scheme: light; ${LIGHT} }
@media screen and (prefers-color-scheme: dark) { :root { color-scheme: dark; ${DARK} } }
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2.5rem 1.5rem 4rem; max-width: 60rem; background: var(--page); color: var(--ink);
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
h1 { font-size: 1.75rem; line-height: 1.25; font-weight: 650; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 { font-size: 1.25rem; font-weight: 650; margin: 3rem 0 0.5rem; padding-top: 1rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 650; margin: 1.75rem 0 0.5rem; }
p { max-width: 46rem; margin: 0.5rem 0 1rem; overflow-wrap: anywhere; }
a { color: var(--accent); }
code {
  font-family: ui-monospace, "SFMono-Regular", Menlo, Consolas, "Liberation Mono", monospace; font-size: 0.9em;
  overflow-wrap: anywhere;
}
.lead, figcaption, .note { color: var(--muted); }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; padding: 0; margin: 1rem 0 0; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.figures div { background: var(--soft); border-radius: 0.5rem; padding: 0.75rem 1rem; display: flex; flex-direction: column; }
.figures dt { color: var(--muted); font-size: 0.875rem; }
.figures dd { margin: 0; }
.figures .value { font-size: 1.5rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.figures .note { font-size: 0.8125rem; }

.scroll {
  overflow-x: auto; scrollbar-width: thin;
  background:
    linear-gradient(to right, var(--page) 30%, transparent) left / 3rem 100% no-repeat local,
    linear-gradient(to left, var(--page) 30%, transparent) right / 3rem 100% no-repeat local,
    linear-gradient(to right, var(--shade), transparent) left / 0.75rem 100% no-repeat,
    linear-gradient(to left, var(--shade), transparent) right / 0.75rem 100% no-repeat;
}
.scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 0.9375rem; }
th, td { padding: 0.3rem 0.9rem 0.3rem 0; text-align: left; vertical-align: top; font-weight: 400; }
thead th { color: var(--muted); font-size: 0.875rem; border-bottom: 1px solid var(--line); vertical-align: bottom; }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.number { text-align: right; }
td.number, tbody .number { white-space: nowrap; }
.good, .bad { white-space: nowrap; }
.good { color: var(--good); font-weight: 650; }
.bad { color: var(--bad); font-weight: 650; }

.heat th, .heat td { padding: 0.3rem 0.45rem; border: 0; }
.heat tbody th { white-space: nowrap; padding-left: 0; }
.heat thead th { text-align: right; border: 0; }
.heat thead .corner { text-align: left; padding-left: 0; }
.heat td {
  text-align: right; min-width: 3.25rem; font-size: 0.875rem; border: 1px solid var(--page); print-color-adjust: exact;
  background: color-mix(in srgb, var(--series) calc(var(--share) * ${HEAT_SHARE.light}%), transparent);
}
@media screen and (prefers-color-scheme: dark) {
  .heat td { background: color-mix(in srgb, var(--series) calc(var(--share) * ${HEAT_SHARE.dark}%), transparent); }
}

figure { margin: 1.25rem 0; }
figcaption { font-size: 0.875rem; margin-top: 0.25rem; }
.table { margin: 1rem 0; }
.table figcaption { max-width: 46rem; margin: 0 0 0.25rem; }
.chart > svg { display: block; width: 100%; max-width: 46rem; height: auto; overflow: visible; }
.chart > .narrow { display: none; max-width: 27rem; }
.chart text { font-size: 12px; fill: var(--ink); font-variant-numeric: tabular-nums; font-family: inherit; }
.chart .tick, .chart .axis { fill: var(--muted); }
.chart .grid { stroke: var(--line); stroke-width: 1; shape-rendering: crispEdges; }
.chart .rule { stroke: var(--muted); stroke-width: 1; shape-rendering: crispEdges; }
.curve { fill: none; stroke: var(--series); stroke-width: 2; stroke-linejoin: round; }
.chart .band { fill: var(--series); opacity: 0.16; }
.dot, .chart .bar { fill: var(--series); }
.chart .whisker { stroke: var(--series); stroke-width: 2; }
.mark { fill: var(--page); stroke: var(--series); stroke-width: 2.5; }
.chart .bar, .chart .band, .mark, .legend svg { print-color-adjust: exact; }
${TONES.map((tone) => `.${toneClass(tone)} { --series: var(--${tone}); }`).join('\n')}
${Array.from({ length: SERIES_COUNT }, (_, i) => `.series-${i + 1} { --series: var(--series-${i + 1}); }`).join('\n')}
.legend { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; list-style: none; margin: 0 0 0.5rem; padding: 0; font-size: 0.875rem; }
.legend li { display: flex; align-items: center; gap: 0.5rem; }
.legend svg { width: 28px; height: 16px; max-width: none; overflow: visible; }

.pictures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 1rem 0; padding: 0; list-style: none; }
.pictures figure { margin: 0; width: min-content; }
.pictures img { display: block; image-rendering: pixelated; border-radius: 2px; print-color-adjust: exact; }
.pictures figcaption { font-size: 0.8125rem; line-height: 1.35; color: var(--ink); }
.pictures figcaption span { display: block; }
.pictures figcaption .note { color: var(--muted); }
.card { border: 1px solid var(--line); border-radius: 0.5rem; padding: 1rem 1.25rem; margin: 1.25rem 0; }
.card h3 { margin-top: 0; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: 0 2rem; }

@media screen and (max-width: 40rem) {
  body { padding: 1.5rem 1rem 3rem; }
  .chart > .wide { display: none; }
  .chart > .narrow { display: block; }
  .card { padding: 0.75rem; }
  .long { min-width: 12rem; }
  .heat tbody th { position: sticky; left: 0; background: var(--page); padding-right: 0.5rem; }
}

@page { margin: 15mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  h2, h3, section > p { break-after: avoid; }
  h2 { margin-top: 1.5rem; }
  p, figure, tr, .figures, .pictures li, .card, .heat { break-inside: avoid; }
  figure.table { break-inside: auto; }
  .table figcaption { break-after: avoid; }
  thead { display: table-header-group; }
  .scroll { overflow: visible; background: none; }
  table, thead th { font-size: 7.5pt; }
  th, td { padding-right: 0.5rem; }
  td { overflow-wrap: anywhere; }
  td.number { overflow-wrap: normal; }
  .heat td { min-width: 0; font-size: 7.5pt; }
  .heat th, .heat td { overflow-wrap: normal; padding: 0.2rem 0.3rem; }
  .chart > svg { max-width: 38rem; }
}
`;
