import { BASIC } from './server.js';

/** Requests of the account of the tests to a webserver. @param url of the server, when it runs */
export function requestsOf<Shown>(url: () => string) {
  const call = (method: string, path: string, body?: string, type = 'application/json'): Promise<Response> =>
    fetch(`${url()}${path}`, {
      method,
      headers: { authorization: BASIC, ...(body === undefined ? {} : { 'content-type': type }) },
      ...(body === undefined ? {} : { body }),
    });
  return {
    call,
    /** What is answered with 200; anything else fails the test with what it says. */
    async shown(method: string, path: string, body?: string): Promise<Shown> {
      const response = await call(method, path, body);
      expect([response.status, response.ok ? '' : await response.clone().text()]).toEqual([200, '']);
      return (await response.json()) as Shown;
    },
  };
}
