/**
 * The signature on a lease. Coordinators of a run make it with a key that comes from the run's key. Workers and standbys check
 * it. So nobody who may only write into the broker can send workers to another place.
 */
import { SignatureVerifier, Signer } from './signature.js';

/** Checks the leases of one run. */
export class LeaseVerifier extends SignatureVerifier {}

/** Signs the leases of one run. */
export class LeaseSigner extends Signer {}
