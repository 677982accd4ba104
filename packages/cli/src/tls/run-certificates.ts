/**
 * The certificates of a launch with --secure: an authority that is in this process alone, and short-lived certificates in the
 * run's folder, which are renewed while the launch lives. Processes take the new ones with their next connections.
 */
import { rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import { makePrivateFolder, TrainingError } from '@facet/shared';
import type { Role } from '@facet/security';

const DAYS = 1;
/** How often certificates are made anew. */
export const RENEW_MS = (DAYS * 86_400_000) / 4;
const ROLES = ['coordinator', 'worker', 'broker', 'status'] as const satisfies readonly Role[];

export interface RunCertificates extends AsyncDisposable {
  /** The TLS folder of a role. */
  folderOf(role: (typeof ROLES)[number]): string;
  /** A certificate for the workers of another host, whose ids begin with the name; it is in no file here. */
  issueWorker(worker: { readonly name: string; readonly hosts: readonly string[] }): Promise<WorkerIdentity>;
}

/** Texts in PEM. */
export interface WorkerIdentity {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly revoked: string;
}

export interface RunCertificateOptions {
  /** Made anew; removed at the end. */
  readonly folder: string;
  /** Where coordinator and workers listen, beside this machine's names. */
  readonly hosts: readonly string[];
  readonly onTrouble: (message: string) => void;
}

export async function makeRunCertificates({
  folder,
  hosts: more,
  onTrouble,
}: RunCertificateOptions): Promise<RunCertificates> {
  const { createAuthority, writeTlsFolder } = await import('@facet/security/authority');
  // Its key is in no file, so nobody else can sign for this run.
  const { authority } = await createAuthority({ name: 'facet up --secure', days: 3_650 });
  const revoked = await authority.revoke(undefined, []);
  const hosts = [...new Set(['localhost', '127.0.0.1', '::1', hostname(), ...more])];
  const folderOf = (role: (typeof ROLES)[number]): string => path.join(folder, role);
  const issue = async (): Promise<void> => {
    for (const role of ROLES) {
      const { certificate, key } = await authority.issue({ grants: [{ role }], hosts, days: DAYS });
      await writeTlsFolder(folderOf(role), { authority: authority.certificate, certificate, key, revoked });
    }
  };
  await rm(folder, { recursive: true, force: true });
  await makePrivateFolder(folder);
  await issue();
  const timer = setInterval(() => {
    issue().catch((caught: unknown) => {
      onTrouble(`the certificates of the run were not renewed: ${TrainingError.from(caught).message}`);
    });
  }, RENEW_MS);
  timer.unref();
  return {
    folderOf,
    async issueWorker({ name, hosts: of }) {
      const { certificate, key } = await authority.issue({ grants: [{ role: 'worker', name }], hosts: of, days: DAYS });
      return { authority: authority.certificate, certificate, key, revoked };
    },
    async [Symbol.asyncDispose]() {
      clearInterval(timer);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
