import { Writable } from 'node:stream';
import { Secret, createLogger, createMetrics } from '@millrace/service';

class Captured extends Writable {
  text = '';
  constructor(readonly isTTY: boolean) {
    super();
  }
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

describe('the log of a server', () => {
  it('is one JSON object a line when nobody is watching', () => {
    const destination = new Captured(false);
    createLogger({ level: 'info', format: 'auto', destination }).info({ port: 1 }, 'Listening');
    expect(JSON.parse(destination.text)).toMatchObject({ level: 30, port: 1, msg: 'Listening' });
  });

  it('is one readable line on a terminal', () => {
    const destination = new Captured(true);
    createLogger({ level: 'info', format: 'auto', destination }).child({ server: 'worker' }).warn({ slots: 2 }, 'Busy');
    const plain = destination.text.replace(/\u001b\[\d+m/g, '');
    expect(plain).toMatch(/^\d\d:\d\d:\d\d\.\d{3} WARN {2}Busy server=worker slots=2\n$/);
  });

  it('shows the stack of an error below the line', () => {
    const destination = new Captured(false);
    createLogger({ level: 'info', format: 'text', destination }).error({ err: new Error('gone') }, 'Stopped');
    expect(destination.text).toMatch(/ERROR Stopped\n {2}Error: gone\n {6}at /);
  });

  it('drops what is below its level', () => {
    const destination = new Captured(false);
    createLogger({ level: 'warn', format: 'json', destination }).info({}, 'unseen');
    expect(destination.text).toBe('');
  });

  it.each([
    [{ password: 'hunter2' }],
    [{ user: { password: 'hunter2' } }],
    [{ headers: { authorization: 'hunter2' } }],
    [{ request: { headers: { cookie: 'hunter2' } } }],
    [{ value: new Secret('hunter2') }],
    [{ deep: { deeper: { value: new Secret('hunter2') } } }],
  ])('never holds a credential: %j', (fields) => {
    for (const format of ['json', 'text'] as const) {
      const destination = new Captured(false);
      createLogger({ level: 'info', format, destination }).info(fields, 'Login');
      expect(destination.text).toContain('***');
      expect(destination.text).not.toContain('hunter2');
    }
  });
});

describe('the metrics of a process', () => {
  it('are written with the prefix, in the text exposition', async () => {
    const metrics = createMetrics({ process: false });
    metrics.counter('executions_total', 'Executions ended', ['state'])(2, { state: 'SUCCESS' });
    metrics.gauge('slots_free', 'Free slots', () => 7);
    metrics.histogram('commit_seconds', 'Time of a commit')(0.003);
    const text = await metrics.render();
    expect(text).toContain('millrace_executions_total{state="SUCCESS"} 2');
    expect(text).toContain('millrace_slots_free 7');
    expect(text).toContain('millrace_commit_seconds_bucket{le="0.005"} 1');
  });

  it('answer the same counter to everybody who asks for it', async () => {
    const metrics = createMetrics({ process: false });
    metrics.counter('jobs_total', 'Jobs')();
    metrics.counter('jobs_total', 'Jobs')();
    expect(await metrics.render()).toContain('millrace_jobs_total 2');
  });

  it('read a gauge from its newest owner', async () => {
    const metrics = createMetrics({ process: false });
    metrics.gauge('slots_free', 'Free slots', () => 1);
    metrics.gauge('slots_free', 'Free slots', () => 2);
    expect(await metrics.render()).toContain('millrace_slots_free 2');
  });

  it('tell about the process when asked', async () => {
    expect(await createMetrics({ process: true }).render()).toContain('millrace_nodejs_eventloop_lag_seconds');
  });
});
