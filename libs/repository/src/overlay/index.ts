export { openOverlay, type OverlayOptions } from './overlay.js';
