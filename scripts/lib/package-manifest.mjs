// The package.json of the package that users install, made from those of the workspaces that it holds.

/** Workspaces that a workspace needs, itself first, each once. */
export function neededWorkspaces(name, workspaces) {
  const needed = new Set([name]);
  for (const one of needed) {
    for (const other of Object.keys(workspaces.get(one).dependencies ?? {})) {
      if (workspaces.has(other)) needed.add(other);
    }
  }
  return [...needed];
}

/**
 * The manifest of the package: the workspaces inside it are bundled, all that they need from elsewhere are its own
 * dependencies.
 *
 * @param name the workspace that gives the package its name, commands and exports
 * @param workspaces Map of name to package.json
 * @param root package.json of the repository
 * @throws Error when two workspaces need different versions of one dependency, or one is not an exact version
 */
export function packageManifest(name, workspaces, root) {
  const [own, ...bundled] = neededWorkspaces(name, workspaces);
  const { version, description, keywords, license, type, bin, exports } = workspaces.get(own);
  const manifests = [own, ...bundled].map((one) => workspaces.get(one));
  return {
    name,
    version,
    description,
    keywords,
    license,
    type,
    engines: root.engines,
    bin,
    // What is internal is for our own tests.
    exports: { '.': exports['.'], './package.json': './package.json' },
    types: exports['.'].types,
    files: ['bin', 'deploy', 'dist', 'models', 'template'],
    dependencies: sorted({
      ...union(manifests, 'dependencies', (other) => !workspaces.has(other)),
      ...Object.fromEntries(bundled.map((one) => [one, workspaces.get(one).version])),
    }),
    peerDependencies: union(manifests, 'peerDependencies'),
    peerDependenciesMeta: Object.assign({}, ...manifests.map((one) => one.peerDependenciesMeta)),
    bundleDependencies: bundled.toSorted(),
  };
}

/** The manifest of a workspace inside the package. What it needs is installed beside the package. */
export function bundledManifest({ name, version, type, license, exports }) {
  return { name, version, private: true, type, license, exports };
}

function union(manifests, key, isWanted = () => true) {
  const all = {};
  for (const { name, [key]: dependencies = {} } of manifests) {
    for (const [other, version] of Object.entries(dependencies)) {
      if (!isWanted(other)) continue;
      if (!/^\d+\.\d+\.\d+$/.test(version)) {
        throw new Error(`${name} needs ${other} ${version}, expected an exact version`);
      }
      if ((all[other] ?? version) !== version) {
        throw new Error(
          `${name} needs ${other} ${version}, another workspace needs ${all[other]}; expected one version`,
        );
      }
      all[other] = version;
    }
  }
  return sorted(all);
}

function sorted(record) {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
