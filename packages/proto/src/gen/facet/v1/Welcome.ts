// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto

import type { SampleField as _facet_v1_SampleField, SampleField__Output as _facet_v1_SampleField__Output } from '../../facet/v1/SampleField.js';

export interface Welcome {
  'run'?: (string);
  /**
   * The resolved configuration as a UTF-8 JSON document, exactly as it is stored in checkpoints.
   */
  'configDocument'?: (Buffer | Uint8Array | string);
  'datasetSha256'?: (string);
  /**
   * Samples in the two splits of the dataset; which of them take part is in the configuration.
   */
  'trainSamples'?: (number);
  'testSamples'?: (number);
  /**
   * Names in the order of the labels; none where samples have no classes.
   */
  'classes'?: (string)[];
  /**
   * Workers on the same host, this one included; divides the host's cores among them.
   */
  'workersOnHost'?: (number);
  /**
   * Differs for every run that ever was, also for one of the same name.
   */
  'runId'?: (string);
  /**
   * What a sample is made of, in the order in which it travels.
   */
  'fields'?: (_facet_v1_SampleField)[];
  /**
   * What only this worker may read: the broker's address and login, and keys of the run, as a JSON document under the key of the stream.
   */
  'sealed'?: (Buffer | Uint8Array | string);
}

export interface Welcome__Output {
  'run': (string);
  /**
   * The resolved configuration as a UTF-8 JSON document, exactly as it is stored in checkpoints.
   */
  'configDocument': (Buffer);
  'datasetSha256': (string);
  /**
   * Samples in the two splits of the dataset; which of them take part is in the configuration.
   */
  'trainSamples': (number);
  'testSamples': (number);
  /**
   * Names in the order of the labels; none where samples have no classes.
   */
  'classes': (string)[];
  /**
   * Workers on the same host, this one included; divides the host's cores among them.
   */
  'workersOnHost': (number);
  /**
   * Differs for every run that ever was, also for one of the same name.
   */
  'runId': (string);
  /**
   * What a sample is made of, in the order in which it travels.
   */
  'fields': (_facet_v1_SampleField__Output)[];
  /**
   * What only this worker may read: the broker's address and login, and keys of the run, as a JSON document under the key of the stream.
   */
  'sealed': (Buffer);
}
