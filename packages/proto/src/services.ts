/**
 * The services as gRPC has them: loaded from proto/ at start.
 */
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { ProtoGrpcType as CollectiveProto } from './gen/collective.js';
import type { ProtoGrpcType as CoordinationProto } from './gen/coordination.js';

const protoFolder = fileURLToPath(new URL('../../../proto', import.meta.url));

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
