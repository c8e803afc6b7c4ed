/**
 * Everything that the constructs and the runtime must agree on: the constructs render it at synth, the runtime and the client read it.
 * Imports nothing.
 */
export * from './brokers';
export * from './caches';
export * from './code';
export * from './configuration';
export * from './ecs-tasks';
export * from './environment';
export * from './events';
export * from './metrics';
export * from './tables';
