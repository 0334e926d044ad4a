export * from './addresses.js';
export * from './contract.js';
export { isVisible, STORAGE_SCHEME, URI_LIMITS, uriOf, uriSegments } from './uri.js';
export { zipEntries, zipOf, type ZipContent, type ZipEntry } from './zip.js';
