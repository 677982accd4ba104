// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


export interface Welcome {
  'run'?: (string);
  /**
   * The resolved configuration as a UTF-8 JSON document, exactly as it is stored in checkpoints.
   */
  'configDocument'?: (Buffer | Uint8Array | string);
  'natsUrl'?: (string);
  'datasetSha256'?: (string);
  /**
   * Images in the two splits of the dataset; which of them take part is in the configuration.
   */
  'trainSamples'?: (number);
  'testSamples'?: (number);
  'imageHeight'?: (number);
  'imageWidth'?: (number);
  'imageChannels'?: (number);
  'classes'?: (string)[];
  /**
   * Workers on the same host, this one included; divides the host's cores among them.
   */
  'workersOnHost'?: (number);
  /**
   * Differs for every run that ever was, also for one of the same name.
   */
  'runId'?: (string);
}

export interface Welcome__Output {
  'run': (string);
  /**
   * The resolved configuration as a UTF-8 JSON document, exactly as it is stored in checkpoints.
   */
  'configDocument': (Buffer);
  'natsUrl': (string);
  'datasetSha256': (string);
  /**
   * Images in the two splits of the dataset; which of them take part is in the configuration.
   */
  'trainSamples': (number);
  'testSamples': (number);
  'imageHeight': (number);
  'imageWidth': (number);
  'imageChannels': (number);
  'classes': (string)[];
  /**
   * Workers on the same host, this one included; divides the host's cores among them.
   */
  'workersOnHost': (number);
  /**
   * Differs for every run that ever was, also for one of the same name.
   */
  'runId': (string);
}
