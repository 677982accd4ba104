/** What tests of clusters need beside this repository: programs and images that are made once and kept in a cache. */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** CLUSTER_CACHE names another folder. */
export const CLUSTER_CACHE = process.env['CLUSTER_CACHE'] ?? path.join(homedir(), '.cache', 'facet', 'cluster');

const KUBERNETES = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet'].map(
  (name) => `kubernetes/bin/${name}`,
);

/** Why no Kubernetes can be started here; undefined when one can. */
export function whyNoKubernetes(): string | undefined {
  return whyNot(['/usr/sbin/dockerd', '/usr/bin/etcd'], [...KUBERNETES, 'tools/helm', 'tools/kubectl', 'docker']);
}

/** Why no image can be started here; undefined when one can. */
export function whyNoDocker(): string | undefined {
  return whyNot(['/usr/sbin/dockerd'], ['docker']);
}

/** Why Docker Compose cannot be started here; undefined when it can. */
export function whyNoCompose(): string | undefined {
  return whyNot(['/usr/sbin/dockerd'], ['tools/docker-compose', 'docker']);
}

function whyNot(programs: readonly string[], cached: readonly string[]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'a cluster needs Linux and root';
  const missing = [...programs, ...cached.map((file) => path.join(CLUSTER_CACHE, file))].find(
    (file) => !existsSync(file),
  );
  return missing === undefined ? undefined : `${missing} is missing: run test/cluster/prepare.sh`;
}
