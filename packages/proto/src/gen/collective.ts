// Generated from proto/ by `npm run generate`. Do not edit.
import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { ExchangeClient as _facet_v1_ExchangeClient, ExchangeDefinition as _facet_v1_ExchangeDefinition } from './facet/v1/Exchange.js';
import type { Frame as _facet_v1_Frame, Frame__Output as _facet_v1_Frame__Output } from './facet/v1/Frame.js';
import type { PullRequest as _facet_v1_PullRequest, PullRequest__Output as _facet_v1_PullRequest__Output } from './facet/v1/PullRequest.js';
import type { PullStateRequest as _facet_v1_PullStateRequest, PullStateRequest__Output as _facet_v1_PullStateRequest__Output } from './facet/v1/PullStateRequest.js';
import type { PullStateResponse as _facet_v1_PullStateResponse, PullStateResponse__Output as _facet_v1_PullStateResponse__Output } from './facet/v1/PullStateResponse.js';
import type { StateHeader as _facet_v1_StateHeader, StateHeader__Output as _facet_v1_StateHeader__Output } from './facet/v1/StateHeader.js';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  facet: {
    v1: {
      /**
       * Worker <-> worker. Whoever receives is the client and pulls: a Node HTTP/2 server keeps a small receive window, a
       * client's window can be raised, which makes pulling several times faster than pushing.
       */
      Exchange: SubtypeConstructor<typeof grpc.Client, _facet_v1_ExchangeClient> & { service: _facet_v1_ExchangeDefinition }
      Frame: MessageTypeDefinition<_facet_v1_Frame, _facet_v1_Frame__Output>
      PayloadChannel: EnumTypeDefinition
      PullRequest: MessageTypeDefinition<_facet_v1_PullRequest, _facet_v1_PullRequest__Output>
      PullStateRequest: MessageTypeDefinition<_facet_v1_PullStateRequest, _facet_v1_PullStateRequest__Output>
      PullStateResponse: MessageTypeDefinition<_facet_v1_PullStateResponse, _facet_v1_PullStateResponse__Output>
      StateHeader: MessageTypeDefinition<_facet_v1_StateHeader, _facet_v1_StateHeader__Output>
    }
  }
}
