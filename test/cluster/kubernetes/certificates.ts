/** The certificates of a control plane, by openssl: an authority, and one for each part with its user and group. */
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const DAYS = '2';

interface Part {
  readonly user: string;
  readonly group?: string;
  /** Where it is a server, as in IP:127.0.0.1. */
  readonly names?: readonly string[];
}

/** Who the parts are, in Kubernetes' own names. */
const PARTS: Readonly<Record<string, Part>> = {
  apiserver: {
    user: 'kube-apiserver',
    names: ['IP:127.0.0.1', 'IP:10.96.0.1', 'DNS:kubernetes', 'DNS:kubernetes.default.svc'],
  },
  admin: { user: 'admin', group: 'system:masters' },
  manager: { user: 'system:kube-controller-manager' },
  scheduler: { user: 'system:kube-scheduler' },
  node: { user: 'system:node:node-1', group: 'system:nodes', names: ['DNS:node-1', 'IP:172.17.0.1'] },
};

/** Writes NAME.crt, NAME.key and NAME.conf, a kubeconfig, for every part, and sa.key for tokens of service accounts. */
export async function writeCertificates(folder: string): Promise<void> {
  const openssl = (...args: readonly string[]): Promise<unknown> => execute('openssl', args, { cwd: folder });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.crt', '-days', DAYS, '-subj', '/CN=ca');
  await openssl('genrsa', '-out', 'sa.key', '2048');
  for (const [name, { user, group = 'none', names }] of Object.entries(PARTS)) {
    const subject = `/O=${group}/CN=${user}`;
    await openssl('req', '-new', ...key, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', subject);
    const uses = 'extendedKeyUsage=clientAuth,serverAuth';
    await writeFile(
      path.join(folder, `${name}.ext`),
      names === undefined ? uses : `${uses}\nsubjectAltName=${names.join(',')}`,
    );
    const signed = ['-CA', 'ca.crt', '-CAkey', 'ca.key', '-CAcreateserial', '-days', DAYS, '-extfile', `${name}.ext`];
    await openssl('x509', '-req', '-in', `${name}.csr`, ...signed, '-out', `${name}.crt`);
    await writeFile(path.join(folder, `${name}.conf`), kubeconfig(folder, name));
  }
}

function kubeconfig(folder: string, name: string): string {
  const file = (ending: string): string => path.join(folder, `${name}.${ending}`);
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'cluster',
        cluster: { server: 'https://127.0.0.1:6443', 'certificate-authority': path.join(folder, 'ca.crt') },
      },
    ],
    users: [{ name: 'user', user: { 'client-certificate': file('crt'), 'client-key': file('key') } }],
    contexts: [{ name: 'context', context: { cluster: 'cluster', user: 'user' } }],
    'current-context': 'context',
  });
}
