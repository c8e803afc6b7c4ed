export * from './action';
export * from './definition';
export * from './errors';
export * from './input';
export * from './transition';
