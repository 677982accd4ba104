/**
 * Who may talk to whom: certificates with roles, and connections that ask for them. To make certificates see `authority.ts`.
 */
export { brokerTls, type BrokerAccess } from './broker-access.js';
export { brokerCredentialsOf, CREDS_VARIABLE, NKEY_VARIABLE } from './broker-credentials.js';
export { certificateFacts, rolesOf, type CertificateFacts } from './certificate-facts.js';
export { explainFailure, type FailedConnection } from './explain-failure.js';
export { watchPeer, type PeerWatch } from './peer-watch.js';
export { judgeClient, roleFault, serverCheck, workerIdFault, type Verdict } from './peer-verdict.js';
export { HTTP_LOGIN_VARIABLE, HttpLogin, httpLoginOf } from './http-login.js';
export { isGrantName, isRole, roleUri, ROLES, type Role, type RoleGrant } from './roles.js';
export { requireSafeListening, type Listening } from './safe-listening.js';
export { secureConnection, type SecureTarget } from './secure-connection.js';
export { createDoor, type Door, type DoorOptions, type RefusedConnection } from './secure-door.js';
export { endWhenRevoked, TLS_FILES, TlsIdentity, type IdentityOptions, type TlsMaterial } from './tls-identity.js';
