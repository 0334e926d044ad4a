export type { ExecutionAnswer, FlowAnswer, LogAnswer, Page, StateAnswer, TaskRunAnswer } from './client/answers.js';
export {
  createClient,
  type Client,
  type FlowName,
  type FollowedExecution,
  type StartOptions,
} from './client/client.js';
export { ServerRefusal, ServerUnreachable, type Credentials } from './client/http.js';
export { serverSentEvents, type ServerSentEvent } from './client/server-sent-events.js';
export type { CommandContext, Output } from './context.js';
export { openDataFolder, type DataFolder, type ServerAddress } from './data-folder.js';
export { CommandFailure, EXIT, type ExitCode } from './exit-code.js';
export { accountOf, prepareFirstAccount, type FirstAccount } from './first-account.js';
export { runCli } from './program.js';
export type { ProcessOptions } from './servers.js';
export { startStandalone, type Standalone } from './standalone.js';
