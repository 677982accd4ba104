export { registerDiskGauge } from './disk-metrics.js';
export { watchGpus } from './gpu-metrics.js';
export { createLogger, LOG_LEVELS, type Logger, type LogLevel } from './logger.js';
export {
  createHttpService,
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
  type PageHandler,
} from './http-server.js';
export { createProcessRegistry } from './process-registry.js';
export { Counter, Gauge, Histogram, type Registry } from 'prom-client';
