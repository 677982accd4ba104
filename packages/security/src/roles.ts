/**
 * What a process may be in a run. Its certificate says so in URIs among the alternative names: `facet:worker`, and beside it
 * `facet:worker/NAME` where it is for one worker alone. Whoever signs a certificate decides what its holder may do. A broker
 * knows its users by the first URI (`verify_and_map` of nats-server), so it is always there.
 */

export const ROLES = ['coordinator', 'worker', 'broker', 'status', 'operator'] as const;

/** `status` may look at a run, `operator` may also stop it. */
export type Role = (typeof ROLES)[number];

/** A role of a certificate; `name` binds it to one worker. */
export interface RoleGrant {
  readonly role: Role;
  readonly name?: string;
}

const SCHEME = 'facet:';
/** No dot: worker ids have one behind the name. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/;

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** True for a name that a certificate may bind a worker to. */
export function isGrantName(text: string): boolean {
  return NAME.test(text);
}

/** The URI that stands in a certificate. */
export function roleUri({ role, name }: RoleGrant): string {
  return name === undefined ? `${SCHEME}${role}` : `${SCHEME}${role}/${name}`;
}

/** The role that a URI grants; undefined for a URI of something else, or one that we cannot read. */
export function parseRoleUri(uri: string): RoleGrant | undefined {
  if (!uri.startsWith(SCHEME)) return undefined;
  const [role = '', name, ...rest] = uri.slice(SCHEME.length).split('/');
  if (!isRole(role) || rest.length > 0) return undefined;
  if (name === undefined) return { role };
  return isGrantName(name) ? { role, name } : undefined;
}
