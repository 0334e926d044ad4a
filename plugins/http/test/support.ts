import { NO_SERVICES } from '@millrace/testing/tasks';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo, Server as NetServer, Socket } from 'node:net';
import { Readable } from 'node:stream';
import type { LogLevel, PlainObject } from '@millrace/model';
import { checkProperties, TaskFailure, type TaskContext, type TaskResult } from '@millrace/plugin-api';
import { plugin } from '../src/index.js';

const servers: { readonly server: { close(): unknown }; readonly sockets: Set<Socket> }[] = [];

/** Starts to listen on a port of this machine; ended by `closeServers`. */
export async function listening(server: NetServer): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  servers.push({ server, sockets });
  await new Promise<void>((resolve) => {
    server.once('listening', () => resolve());
    server.listen(0, '127.0.0.1');
  });
  return (server.address() as AddressInfo).port;
}

/** A web server; answers its address. */
export async function serve(listener: RequestListener): Promise<string> {
  return `http://127.0.0.1:${await listening(createServer(listener))}`;
}

export function closeServers(): void {
  for (const { server, sockets } of servers.splice(0)) {
    server.close();
    for (const socket of sockets) socket.destroy();
  }
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

/** Answers what came, as JSON. */
export const echo = (request: IncomingMessage, response: ServerResponse): void => {
  void bodyOf(request).then((body) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ method: request.method, url: request.url, headers: request.headers, body }));
  });
};

export interface TestContext extends TaskContext {
  readonly lines: { readonly level: LogLevel; readonly message: string }[];
  readonly controller: AbortController;
}

export function aContext(files: Readonly<Record<string, string>> = {}): TestContext {
  const controller = new AbortController();
  const lines: TestContext['lines'] = [];
  return {
    tenant: 'main',
    namespace: 'company',
    flowId: 'f',
    executionId: 'e',
    taskId: 't',
    taskRunId: 'r',
    attempt: 1,
    lines,
    controller,
    signal: controller.signal,
    services: NO_SERVICES,
    log: { write: (level, message) => void lines.push({ level, message }), ready: () => Promise.resolve() },
    files: {
      workingDirectory: () => Promise.reject(new Error('no directory')),
      temporaryDirectory: () => Promise.reject(new Error('no directory')),
      read: (uri) => Promise.resolve(Readable.from([files[uri] ?? ''])),
      store: () => Promise.reject(new Error('nothing is stored')),
      size: (uri) => Promise.resolve(Buffer.byteLength(files[uri] ?? '')),
      remove: () => Promise.reject(new Error('nothing is removed')),
    },
    render: (text) => Promise.resolve(text),
    metric: () => undefined,
    namespaceFiles: {
      list: () => Promise.resolve([]),
      read: () => Promise.reject(new Error('none')),
    },
    runTask: () => Promise.reject(new Error('no other task')),
    encrypt: () => Promise.reject(new TaskFailure('no key')),
  };
}

/** Runs a request as a worker does: properties converted, then run. */
export async function request(properties: PlainObject, context = aContext()): Promise<TaskResult> {
  const [task] = plugin.tasks;
  if (!task?.run) throw new Error('The plugin has no task');
  const checked = checkProperties(task, properties);
  if (!checked.ok) throw new TaskFailure(checked.errors.join('. '));
  return task.run({ ...checked.properties, id: 't', type: task.type }, context);
}

export async function failure(properties: PlainObject, context = aContext()): Promise<TaskFailure> {
  try {
    await request(properties, context);
  } catch (error) {
    if (error instanceof TaskFailure) return error;
    throw error;
  }
  throw new Error('The request did not fail');
}
