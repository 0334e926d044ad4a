import helmet from 'helmet';
import type { RequestHandler } from 'express';

const PERMISSIONS_POLICY = [
  'camera',
  'geolocation',
  'microphone',
  'payment',
  'usb',
  'display-capture',
  'serial',
  'bluetooth',
]
  .map((feature) => `${feature}=()`)
  .join(', ');

/** Security headers of every answer (spec security.md §10.3). */
export function securityHeaders(): readonly RequestHandler[] {
  const protect = helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        workerSrc: ["'self'", 'blob:'],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Only over TLS; told by the handler below, because this server does not end TLS itself.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
  });
  return [
    (request, response, next) => protect(request, response, next),
    (request, response, next) => {
      response.setHeader('Permissions-Policy', PERMISSIONS_POLICY);
      // Everything this server answers so far is about data; static files will say otherwise themselves.
      response.setHeader('Cache-Control', 'no-store');
      if ('encrypted' in request.socket && request.socket.encrypted === true) {
        response.setHeader('Strict-Transport-Security', 'max-age=31536000; includeSubDomains');
      }
      next();
    },
  ];
}
