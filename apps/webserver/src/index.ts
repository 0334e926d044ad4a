export { type InitialAccount, type WebserverConfiguration } from './configuration.js';
export { createWebserver, type Webserver, type WebserverOptions } from './webserver.js';
