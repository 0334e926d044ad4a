export { openIndexedOverlay, type IndexedOverlayOptions } from './indexed-overlay.js';
export { openOverlay, type OverlayOptions } from './overlay.js';
