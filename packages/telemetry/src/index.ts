export { createLogger, type Logger, type LogLevel } from './logger.js';
export { startHttpServer, type HttpServer, type HttpServerOptions } from './http-server.js';
export { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
