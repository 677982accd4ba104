// Whoever ships Facet ships its production dependencies, so their licences must allow that. The lock file states the licence of
// each, also of those for other platforms.

/** Licences that ask for no more than a notice. */
const PERMISSIVE = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'Unlicense',
]);

/** Others that were judged, by the beginning of the package's name: the licence, and why it does no harm. */
const JUDGED = [
  ['@img/sharp-', 'LGPL-3.0-or-later', 'sharp loads libvips as a library of its own, which anyone may replace'],
];

/** One line for each production package of a parsed lock file whose licence nobody has judged; empty is good. */
export function findLicenceFaults({ packages }, judged = JUDGED) {
  const faults = [];
  for (const [place, { dev, link, license }] of Object.entries(packages)) {
    if (!place.includes('node_modules/') || dev || link) continue;
    const name = place.slice(place.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const isAllowed = (licence) =>
      PERMISSIVE.has(licence) || judged.some(([start, other]) => other === licence && name.startsWith(start));
    if (!alternatives(license).some((needed) => needed.every(isAllowed))) {
      faults.push(`${place} has the licence ${license ?? 'none'}, expected one that scripts/lib/licences.mjs allows`);
    }
  }
  return faults;
}

/** The licences of an SPDX expression: one of the lists is enough, and of a list all are needed. */
function alternatives(expression = '') {
  const plain = expression.replaceAll(/[()]/g, '');
  return plain.split(' OR ').map((one) => one.split(' AND '));
}
