// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface GetStatusRequest {
}

export interface GetStatusRequest__Output {
}
