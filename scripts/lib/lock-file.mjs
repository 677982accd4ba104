// Looks for three faults of package-lock.json that its author does not notice: a missing binary of another platform (npm
// leaves it out when the author's registry lacks it, and then `npm ci` fails for everyone), the address of the author's
// registry, and a package without a hash. npm writes no hash when it makes the lock file from an installed node_modules,
// and `npm ci` then installs whatever the registry sends.

/** A hash that `npm ci` compares: SHA-512 in base64. SHA-1, which old registries also state, can be forged. */
const INTEGRITY = /^sha512-[A-Za-z0-9+/]{86}==$/;

/** One line for each fault in a parsed lock file; empty is good. */
export function findLockFileFaults({ packages }) {
  const faults = [];
  for (const [place, entry] of Object.entries(packages)) {
    for (const [name, range] of Object.entries(entry.optionalDependencies ?? {})) {
      if (!isLocked(packages, place, name))
        faults.push(`${place || 'package.json'} wants ${name} ${range}: not in the lock file`);
    }
    if (/^https?:/.test(entry.resolved ?? '')) {
      faults.push(`${place} names a registry; install with --omit-lockfile-registry-resolved`);
    }
    if (isFetched(place, entry) && !INTEGRITY.test(entry.integrity ?? '')) {
      faults.push(
        `${place} has integrity ${entry.integrity ?? 'missing'}, expected sha512-...; remove the entry and run ` +
          '`npm install --package-lock-only --omit-lockfile-registry-resolved`, which asks the registry for it',
      );
    }
  }
  return faults;
}

/** False for the project itself, its workspaces and the links to them. */
function isFetched(place, entry) {
  return place.includes('node_modules/') && !entry.link;
}

/** Looks for a package where Node.js would: beside, then in every folder above. */
function isLocked(packages, place, name) {
  let folder = place;
  for (;;) {
    if (`${folder ? `${folder}/` : ''}node_modules/${name}` in packages) return true;
    if (folder === '') return false;
    folder = folder.slice(0, Math.max(folder.lastIndexOf('/'), 0));
  }
}
