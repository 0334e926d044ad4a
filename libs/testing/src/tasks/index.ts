export { NO_SERVICES } from './no-services.js';
