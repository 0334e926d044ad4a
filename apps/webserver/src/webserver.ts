import { setMaxListeners } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Request } from 'express';
import type { Principal } from '@millrace/authorization';
import { USERS_KEY, type PlainObject, type Topics } from '@millrace/model';
import type { TaskTypeRegistry } from '@millrace/plugin-api';
import type { Queue } from '@millrace/queue';
import type { Repository } from '@millrace/repository';
import { createKeyValues, createNamespaceFiles, createTemplates, maintenanceOf } from '@millrace/resources';
import type { ExpressionSettings, Service, ServiceContext } from '@millrace/service';
import type { Storage } from '@millrace/storage';
import { overlayMetrics } from './overlay-metrics.js';
import { createApplication } from './application.js';
import { createDeadLetters } from './cluster/dead-letters.js';
import { showClusterFigures } from './cluster/figures.js';
import { createIndexWatch } from './cluster/index-watch.js';
import { announce } from './cluster/presence.js';
import { createMembers } from './cluster/members.js';
import { createSettings } from './cluster/settings.js';
import { clusterStatus, type StatusOptions } from './cluster/status.js';
import { createWorkerGroups } from './cluster/worker-groups.js';
import type { InitialAccount, WebserverConfiguration } from './configuration.js';
import { createExecutions } from './executions/executions.js';
import { createLive } from './executions/live.js';
import { showingRepository } from './executions/showing-repository.js';
import { createCommands } from './flows/commands.js';
import { createSlots } from './flows/slots.js';
import { createFlowCatalog } from './flows/flow-catalog.js';
import { HttpError, notServing } from './http/errors.js';
import { permissionsMarkdown } from './http/permissions-document.js';
import { checkRoutes } from './http/registry.js';
import type { Route } from './http/route.js';
import { allRoutes } from './routes/index.js';
import type { RouteServices, Running } from './routes/services.js';
import { createFirstAccount } from './routes/sessions.js';
import { createAccounts, principalOf as principalOfUser } from './security/accounts.js';
import { createAuthentication } from './security/authentication.js';
import { createPasswords, passwordFaults, type PasswordCost } from './security/passwords.js';
import { createSetUp, isLoopback } from './security/setup.js';
import { createTriggerPlans } from './triggers/trigger-plans.js';

export interface WebserverOptions {
  readonly context: ServiceContext;
  readonly queue: Queue;
  readonly topics: Topics;
  readonly storage: Storage;
  readonly repository: Repository;
  /** The task types of the installation. */
  readonly registry: TaskTypeRegistry;
  readonly configuration: WebserverConfiguration;
  readonly expressions?: ExpressionSettings;
  /** `envs`, `globals`, `kestra`: for expressions of webhooks. */
  readonly serverVariables?: PlainObject;
  /** Created at the start when there is no account yet; later starts change nothing. */
  readonly initialAccount?: InitialAccount;
  /** The health of the process, when servers share one; else this server's own. */
  readonly health?: { readonly live: boolean; readonly ready: boolean };
  /** Cost of hashing passwords; for tests. */
  readonly passwordCost?: PasswordCost;
}

export interface Webserver extends Service {
  /** Such as `http://127.0.0.1:8080`; known after the start. */
  readonly url: string;
  readonly routes: readonly Route[];
  /** The text of docs/permissions.md. */
  permissionsDocument(): string;
}

const SEEN_TIMEOUT_MS = 10_000;
/** How long requests under way may go on when the server stops. */
export const STOP_GRACE_MS = 5_000;

/**
 * The server of API and UI. Keeps no state of its own but sessions, counters of failed logins, and copies of what the
 * queue tells it.
 * @throws Error when a route cannot be guarded
 */
export function createWebserver(options: WebserverOptions): Webserver {
  const { context, configuration } = options;
  const stopping = new AbortController();
  // Every open stream listens to it.
  setMaxListeners(Number.POSITIVE_INFINITY, stopping.signal);
  const health = { live: true, ready: false };
  let running: Running | undefined;
  let started = false;
  let reportFailure: (error: unknown) => void = () => undefined;
  const failed = new Promise<never>((_resolve, reject) => {
    reportFailure = (error) => {
      health.live = false;
      reject(error instanceof Error ? error : new Error(String(error)));
    };
  });
  // Until somebody listens, a failure must not end the process.
  failed.catch(() => undefined);

  const services = createRouteServices(options, options.health ?? health, () => {
    if (!running) throw notServing();
    return running;
  });
  const routes = allRoutes(services);
  checkRoutes(routes);
  const application = createApplication({
    routes,
    principalOf: (request) => principalOf(services, request),
    isStarted: () => started,
    stopping: stopping.signal,
    log: context.log,
    clock: context.clock,
    metrics: context.metrics,
  });
  // Uploads may take longer than Node's default of five minutes for a whole request.
  const server = createServer({ requestTimeout: 0, headersTimeout: 60_000, keepAliveTimeout: 65_000 }, application);
  server.maxRequestsPerSocket = 0;
  const unused = trackUnused(server);
  let url = '';

  return {
    name: 'webserver',
    routes,
    failed,
    get url() {
      return url;
    },
    permissionsDocument: () => permissionsMarkdown(routes),
    async start() {
      // First the port: an account must not come into being in a server that nobody can reach.
      const { port, address, family } = await listen(server, configuration);
      try {
        running = await open({ ...options, repository: services.repository }, reportFailure);
        await createInitialAccount(services, options);
        if (running.accounts.size === 0) services.setUp.announce(context.log);
      } catch (error) {
        await shut(server, unused, context, 0);
        if (running) await close(running);
        running = undefined;
        throw error;
      }
      url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
      started = true;
      health.ready = true;
      context.log.info({ url }, 'The webserver listens');
    },
    async stop() {
      if (stopping.signal.aborted) return;
      health.ready = false;
      running?.presence.stopping();
      stopping.abort();
      await shut(server, unused, context, STOP_GRACE_MS);
      if (running) await close(running);
      running = undefined;
    },
  };
}

function createRouteServices(
  options: WebserverOptions,
  health: RouteServices['health'],
  running: () => Running,
): RouteServices {
  const { context, queue, topics, storage, repository, registry, configuration, passwordCost } = options;
  overlayMetrics(context.metrics, repository);
  const passwords = createPasswords(passwordCost);
  const authentication = createAuthentication({
    clock: context.clock,
    accounts: () => running().accounts,
    passwords,
    origins: (request) => originsOf(configuration, request),
    rehash: (user, password) => {
      const change = async (): Promise<void> => {
        const passwordHash = await passwords.hash(password);
        await running().commands.send(USERS_KEY, { kind: 'set-password', userId: user.id, passwordHash });
      };
      change().catch((error: unknown) =>
        context.log.warn({ err: error, userId: user.id }, 'A password could not be hashed anew'),
      );
    },
  });
  const { encryptionKey, recursiveRendering = false } = options.expressions ?? {};
  const timeZone = configuration.timeZone ?? Intl.DateTimeFormat().resolvedOptions().timeZone;
  return {
    context,
    configuration,
    repository: showingRepository({
      repository,
      topics,
      operate: async (operation) => running().commands.operate(operation),
    }),
    storage,
    taskTypes: registry,
    passwords,
    authentication,
    running,
    health,
    setUp: createSetUp(context.clock),
    triggerPlans: createTriggerPlans({
      catalog: registry.catalog,
      pluginDefaults: configuration.pluginDefaults ?? [],
      timeZone,
      serverVariables: options.serverVariables ?? {},
    }),
    serverVariables: options.serverVariables ?? {},
    starting: {
      queue,
      topics,
      storage,
      clock: context.clock,
      timeZone,
      catalog: registry.catalog,
      ...(encryptionKey === undefined ? {} : { encryptionKey: encryptionKey.reveal() }),
      recursiveRendering,
    },
  };
}

/** Origins of the own pages: of the configured address, else of the one that the request was sent to. */
function originsOf({ url, security }: WebserverConfiguration, { headers, socket }: Request): readonly string[] {
  const scheme = 'encrypted' in socket && socket.encrypted === true ? 'https' : 'http';
  const own = url === undefined ? `${scheme}://${headers.host ?? ''}` : new URL(url).origin;
  return [own, ...(security?.allowedOrigins ?? [])];
}

/** Who asks. @throws HttpError 401, `setup-required` while there is no account at all */
async function principalOf({ authentication, running }: RouteServices, request: Request): Promise<Principal> {
  if (running().accounts.size === 0) {
    throw new HttpError(401, 'Create the first account: open the set-up page or POST /api/v1/basicAuth', {
      members: { code: 'setup-required' },
    });
  }
  return principalOfUser(await authentication.authenticate(request));
}

/** Opens the readers of the queue. */
async function open(
  { context, queue, topics, repository, storage }: WebserverOptions,
  onFailure: (error: unknown) => void,
): Promise<Running> {
  const onError = (error: unknown): void => {
    context.log.error({ err: error }, 'The webserver lost a reader of the queue');
    onFailure(error);
  };
  const violated = context.metrics.counter(
    'isolation_violations_total',
    'Records that did not belong to the tenant of their key',
  );
  const [resources, flowState, services, indexProgress] = await Promise.all([
    queue.view(topics.resources),
    queue.view(topics.flowState),
    queue.view(topics.services),
    queue.view(topics.indexProgress),
  ]);
  const accounts = createAccounts(resources);
  const live = await createLive({ queue, topics, clock: context.clock, onViolation: () => violated(), onError });
  const flows = createFlowCatalog(resources, context.clock);
  const commands = await createCommands({ queue, topics, instance: context.instance, clock: context.clock, onError });
  const members = createMembers(services, context.clock);
  const workerGroups = createWorkerGroups(resources);
  const deadLetters = createDeadLetters({ queue, topics, clock: context.clock }, (error) =>
    context.log.warn({ err: error }, 'The dead letters cannot be read'),
  );
  const { clock } = context;
  const watching: StatusOptions = {
    queue,
    topics,
    clock,
    members,
    groups: () => workerGroups.all().map(({ key }) => key),
    deadLetters,
    maintenance: () => maintenanceOf(resources),
    index: createIndexWatch({ queue, topics, clock, indexProgress }),
  };
  showClusterFigures(context.metrics, watching);
  const access = { view: resources, refresh: () => flows.refresh(), change: commands.send };
  return {
    accounts,
    live,
    userSeen: (id) => resources.waitFor(() => accounts.byId(id) !== undefined, SEEN_TIMEOUT_MS),
    flows,
    slots: createSlots(flowState),
    commands,
    keyValues: createKeyValues(access, context.clock),
    namespaceFiles: createNamespaceFiles(access, storage),
    templates: createTemplates(access),
    executions: createExecutions({ repository, live, clock: context.clock }),
    members,
    workerGroups,
    settings: createSettings(resources),
    deadLetters,
    maintenance: watching.maintenance,
    presence: await announce({ queue, topics, context, resources }),
    status: () => clusterStatus(watching),
    close() {
      resources.close();
      indexProgress.close();
    },
  };
}

async function close(running: Running): Promise<void> {
  await running.presence.stopped();
  const { accounts, live, flows, slots, commands, keyValues, namespaceFiles, templates, close: closeView } = running;
  running.members.close();
  running.deadLetters.close();
  accounts.close();
  for (const resources of [flows, slots, keyValues, namespaceFiles, templates]) resources.close();
  live.close();
  commands.close();
  closeView();
}

/** @throws Error when the password breaks the policy and the server is not only on loopback */
async function createInitialAccount(
  services: RouteServices,
  { initialAccount, context, configuration }: WebserverOptions,
): Promise<void> {
  if (!initialAccount || services.running().accounts.size > 0) return;
  const { username, password } = initialAccount;
  const faults = passwordFaults(password.reveal(), username);
  if (faults.length > 0) {
    const sentence = `The password of the first account ${faults.join(', ')}`;
    if (!isLoopback(configuration.host))
      throw new Error(`${sentence}: choose another one, or listen on 127.0.0.1 only`);
    context.log.warn({}, `${sentence}; it is accepted because the server listens on this machine only`);
  }
  try {
    await createFirstAccount(services, username, password.reveal());
  } catch (error) {
    // Another webserver that started at the same time was first.
    if (error instanceof HttpError && error.status === 422) return services.running().flows.refresh();
    if (!(error instanceof HttpError) || error.status !== 504) throw error;
    context.log.warn({ err: error }, 'The first account is not confirmed yet; it will be there when an executor runs');
  }
}

function listen(server: Server, { host, port }: WebserverConfiguration): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    const refuse = (error: NodeJS.ErrnoException): void => {
      const why = error.code === 'EADDRINUSE' ? 'the port is taken; choose another with --port' : error.message;
      reject(new Error(`The webserver cannot listen on ${host}:${port}: ${why}`, { cause: error }));
    };
    server.once('error', refuse);
    server.listen(port, host, () => {
      server.off('error', refuse);
      const address = server.address();
      if (typeof address === 'object' && address) resolve(address);
      else reject(new Error(`The webserver has no address on ${host}:${port}`));
    });
  });
}

/** Connections that have sent no request yet, as browsers open them in advance; Node does not count them as idle. */
function trackUnused(server: Server): ReadonlySet<Socket> {
  const unused = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', ({ socket }) => unused.delete(socket));
  return unused;
}

/** Takes no new connection; requests under way end by themselves or after `graceMs`. */
function shut(server: Server, unused: ReadonlySet<Socket>, { clock }: ServiceContext, graceMs: number): Promise<void> {
  if (!server.listening) return Promise.resolve();
  return new Promise((resolve) => {
    const cancel = clock.after(graceMs, () => server.closeAllConnections());
    server.close(() => {
      cancel();
      resolve();
    });
    server.closeIdleConnections();
    for (const socket of unused) socket.destroy();
  });
}
