/**
 * The services as gRPC has them: loaded from proto/ at start.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType as CollectiveProto } from './gen/collective.js';
import type { ProtoGrpcType as CoordinationProto } from './gen/coordination.js';

/** In the installed package proto/ lies in this one; in a checkout, in the root. */
const PLACES = ['../proto', '../../../proto'].map((place) => fileURLToPath(new URL(place, import.meta.url)));
const protoFolder = PLACES.find((folder) => existsSync(path.join(folder, 'facet'))) ?? PLACES[0]!;

const definition = loadSync(['facet/v1/coordination.proto', 'facet/v1/collective.proto'], {
  includeDirs: [protoFolder],
  longs: Number,
  enums: String,
  defaults: true,
  oneofs: true,
});

const loaded = loadPackageDefinition(definition) as unknown as CoordinationProto & CollectiveProto;

/** Client constructor and service definition of Coordination. */
export const Coordination = loaded.facet.v1.Coordination;

/** Client constructor and service definition of Exchange. */
export const Exchange = loaded.facet.v1.Exchange;
