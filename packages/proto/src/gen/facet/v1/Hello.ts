// Generated from proto/ by `npm run generate`. Do not edit.
// Original file: proto/facet/v1/coordination.proto


/**
 * First message of a worker. A worker whose code_version or config_version differs is refused.
 */
export interface Hello {
  'workerId'?: (string);
  'codeVersion'?: (string);
  'configVersion'?: (number);
  'host'?: (string);
  'pid'?: (number);
  /**
   * host:port of the worker's Exchange service.
   */
  'exchangeAddress'?: (string);
  /**
   * URL of the worker's /metrics, or empty.
   */
  'metricsUrl'?: (string);
  'cores'?: (number);
  /**
   * The highest term that the worker has seen; 0 when it has seen none.
   */
  'term'?: (number);
}

/**
 * First message of a worker. A worker whose code_version or config_version differs is refused.
 */
export interface Hello__Output {
  'workerId': (string);
  'codeVersion': (string);
  'configVersion': (number);
  'host': (string);
  'pid': (number);
  /**
   * host:port of the worker's Exchange service.
   */
  'exchangeAddress': (string);
  /**
   * URL of the worker's /metrics, or empty.
   */
  'metricsUrl': (string);
  'cores': (number);
  /**
   * The highest term that the worker has seen; 0 when it has seen none.
   */
  'term': (number);
}
