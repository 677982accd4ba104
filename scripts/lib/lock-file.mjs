// Looks for two faults of package-lock.json that its author does not notice: a missing binary of another platform (npm
// leaves it out when the author's registry lacks it, and then `npm ci` fails for everyone), and the address of the
// author's registry.

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
  }
  return faults;
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
