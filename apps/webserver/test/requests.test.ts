import { connect } from 'node:net';
import { BASIC, HELLO, startServer, type TestServer } from './server.js';

let server: TestServer;
let executionId: string;
beforeAll(async () => {
  server = await startServer();
  await server.yaml('POST', '/api/v1/main/flows', HELLO);
  executionId = (
    (await (await server.call('POST', '/api/v1/main/executions/company.team/hello?wait=true')).json()) as { id: string }
  ).id;
});
afterAll(() => server.stop());

const YAML = { 'content-type': 'application/x-yaml' };
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM = { 'content-type': 'multipart/form-data; boundary=x' };
const deep = (open: string, depth: number): string => open.repeat(depth);
const START = '/api/v1/main/executions/company.team/hello';
const part = (name: string, value: string): string =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

const BAD: readonly (readonly [string, string, string, RequestInit?])[] = [
  ['an empty flow', 'POST', '/api/v1/main/flows', { headers: YAML, body: '' }],
  ['malformed YAML', 'POST', '/api/v1/main/flows', { headers: YAML, body: 'id: [a\n b: : :' }],
  ['deep YAML', 'POST', '/api/v1/main/flows', { headers: YAML, body: deep('[', 100_000) }],
  ['deep maps', 'POST', '/api/v1/main/flows', { headers: YAML, body: deep('{a: ', 5_000) }],
  [
    'an alias bomb',
    'POST',
    '/api/v1/main/flows',
    {
      headers: YAML,
      body: `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghij'
        .split('')
        .map((name, at) => `${name}: &${name} [${Array(9).fill(`*${'abcdefghi'[at]}`).join(',')}]`)
        .join('\n')}`,
    },
  ],
  [
    'a prototype key',
    'POST',
    '/api/v1/main/flows',
    { headers: YAML, body: `${HELLO}\nvariables: {__proto__: {polluted: true}}` },
  ],
  ['a number as YAML', 'POST', '/api/v1/main/flows', { headers: YAML, body: '42' }],
  ['YAML that is not UTF-8', 'POST', '/api/v1/main/flows', { headers: YAML, body: Buffer.from([0x69, 0xff, 0xfe]) }],
  ['a NUL in YAML', 'POST', '/api/v1/main/flows', { headers: YAML, body: 'id: a\0b' }],
  ['a flow without a content type', 'POST', '/api/v1/main/flows', { headers: { 'content-type': '' }, body: 'id: x' }],
  ['a flow as JSON type', 'POST', '/api/v1/main/flows', { headers: JSON_TYPE, body: '{}' }],
  [
    'a compressed flow',
    'POST',
    '/api/v1/main/flows',
    { headers: { ...YAML, 'content-encoding': 'gzip' }, body: 'id: x' },
  ],
  ['two flows where one is expected', 'POST', '/api/v1/main/flows', { headers: YAML, body: `${HELLO}---\n${HELLO}` }],
  ['101 flows to check', 'POST', '/api/v1/main/flows/validate', { headers: YAML, body: 'id: a\n---\n'.repeat(101) }],
  ['101 empty flows', 'POST', '/api/v1/main/flows/validate', { headers: YAML, body: '---\n'.repeat(101) }],
  ['a huge flow', 'POST', '/api/v1/main/flows', { headers: YAML, body: 'x'.repeat(1024 * 1024 + 1) }],
  ['malformed JSON', 'POST', START, { headers: JSON_TYPE, body: '{"name": ' }],
  ['a list as inputs', 'POST', START, { headers: JSON_TYPE, body: '[1]' }],
  ['null as inputs', 'POST', START, { headers: JSON_TYPE, body: 'null' }],
  [
    'deep JSON in an input',
    'POST',
    START,
    { headers: JSON_TYPE, body: `{"name": ${deep('[', 20_000)}${deep(']', 20_000)}}` },
  ],
  ['deep lists on one line', 'POST', '/api/v1/main/flows', { headers: YAML, body: deep('- ', 5_000) }],
  [
    'deep lists line by line',
    'POST',
    '/api/v1/main/flows',
    { headers: YAML, body: Array.from({ length: 1_000 }, (_, at) => `${' '.repeat(at)}a:`).join('\n') },
  ],
  ['deep JSON', 'POST', START, { headers: JSON_TYPE, body: deep('[', 200_000) }],
  ['inputs as text', 'POST', START, { headers: { 'content-type': 'text/plain' }, body: 'name=x' }],
  ['a form without a boundary', 'POST', START, { headers: { 'content-type': 'multipart/form-data' }, body: 'x' }],
  ['a form that is none', 'POST', START, { headers: FORM, body: 'no form at all' }],
  [
    'a form that ends too early',
    'POST',
    START,
    { headers: FORM, body: '--x\r\ncontent-disposition: form-data; name="name"\r\n\r\nAd' },
  ],
  ['a part without headers', 'POST', START, { headers: FORM, body: '--x\r\n\r\nAda\r\n--x' }],
  ['a form with too many fields', 'POST', START, { headers: FORM, body: `${part('a', 'b').repeat(1_001)}--x--\r\n` }],
  [
    'a form with a huge field',
    'POST',
    START,
    { headers: FORM, body: `${part('name', 'x'.repeat(1024 * 1024 + 10))}--x--\r\n` },
  ],
  ['a form with a long name', 'POST', START, { headers: FORM, body: `${part('n'.repeat(1_000), 'x')}--x--\r\n` }],
  ['a wait that is no flag', 'POST', `${START}?wait=perhaps`],
  ['a revision that is no number', 'POST', `${START}?revision=one`],
  ['a negative revision', 'GET', '/api/v1/main/flows/company.team/hello?revision=-1'],
  ['a revision given twice', 'GET', '/api/v1/main/flows/company.team/hello?revision=1&revision=2'],
  ['page 0', 'GET', '/api/v1/main/executions/search?page=0'],
  ['a page beyond all numbers', 'GET', '/api/v1/main/executions/search?page=99999999999999999999'],
  ['size 0', 'GET', '/api/v1/main/executions/search?size=0'],
  ['a size above the limit', 'GET', '/api/v1/main/flows/search?size=1001'],
  ['a size with a fraction', 'GET', '/api/v1/main/logs/search?size=1.5'],
  ['an unknown sort', 'GET', '/api/v1/main/executions/search?sort=secret:asc'],
  ['a sort that is SQL', 'GET', '/api/v1/main/executions/search?sort=id;drop%20table%20executions--:asc'],
  ['a sort of flows that is unknown', 'GET', '/api/v1/main/flows/search?sort=__proto__:asc'],
  ['an unknown filter', 'GET', '/api/v1/main/executions/search?filters[colour][EQUALS]=red'],
  ['an unknown operation', 'GET', '/api/v1/main/executions/search?filters[state][LIKE]=red'],
  ['a malformed filter', 'GET', '/api/v1/main/executions/search?filters[state=red'],
  ['a filter of the prototype', 'GET', '/api/v1/main/flows/search?filters[constructor][EQUALS]=x'],
  ['a regular expression that does not end', 'GET', '/api/v1/main/executions/search?filters[flowId][REGEX]=(a%2B'],
  ['a regular expression on a date', 'GET', '/api/v1/main/executions/search?filters[startDate][REGEX]=2026.*'],
  ['too many filters', 'GET', `/api/v1/main/executions/search?${'filters[flowId][EQUALS]=x&'.repeat(60)}`],
  ['too many parameters', 'GET', `/api/v1/main/executions/search?${'x=1&'.repeat(300)}`],
  ['a long filter', 'GET', `/api/v1/main/executions/search?q=${'x'.repeat(1_500)}`],
  ['an unknown state', 'GET', '/api/v1/main/executions/search?state=HAPPY'],
  ['a malformed date', 'GET', '/api/v1/main/logs/search?startDate=today'],
  ['an unknown level', 'GET', '/api/v1/main/logs/search?minLevel=LOUD'],
  ['an unknown level of a log', 'GET', '/api/v1/main/logs/EXECUTION?minLevel=LOUD'],
  ['an attempt that is no number', 'GET', '/api/v1/main/logs/EXECUTION?attempt=x'],
  ['a metric sort that is unknown', 'GET', '/api/v1/main/metrics/EXECUTION?sort=x:asc'],
  ['an execution id with a dot', 'GET', '/api/v1/main/executions/..%2f..%2fetc'],
  ['an execution id with a NUL', 'GET', '/api/v1/main/executions/abc%00'],
  ['a malformed encoding', 'GET', '/api/v1/main/executions/%E0%A4%A'],
  ['an overlong encoding', 'GET', '/api/v1/main/executions/%C0%AE'],
  ['an execution id that is too long', 'GET', `/api/v1/main/executions/${'a'.repeat(65)}`],
  ['a namespace in capitals', 'GET', '/api/v1/main/flows/COMPANY/hello'],
  ['a namespace that climbs', 'GET', '/api/v1/main/flows/..%2f../hello'],
  ['a namespace with a dotless i', 'GET', '/api/v1/main/flows/company.tea%C4%B1/hello'],
  ['a flow id with a space', 'GET', '/api/v1/main/flows/company.team/hel%20lo'],
  ['a task type that climbs', 'GET', '/api/v1/plugins/schemas/..%2f..%2fpackage'],
  ['a list of ids that is a map', 'DELETE', '/api/v1/main/executions/kill/by-ids', { headers: JSON_TYPE, body: '{}' }],
  ['ids that are numbers', 'DELETE', '/api/v1/main/executions/kill/by-ids', { headers: JSON_TYPE, body: '[1]' }],
  [
    'too many ids',
    'DELETE',
    '/api/v1/main/executions/kill/by-ids',
    { headers: JSON_TYPE, body: JSON.stringify(Array(1_001).fill('a')) },
  ],
  ['no path of a file', 'GET', '/api/v1/main/executions/EXECUTION/file'],
  ['a file path that is no URI', 'GET', '/api/v1/main/executions/EXECUTION/file?path=/etc/passwd'],
  ['a file path with a NUL', 'GET', '/api/v1/main/executions/EXECUTION/file?path=kestra:///a%00b'],
  [
    'an unknown encoding of a preview',
    'GET',
    '/api/v1/main/executions/EXECUTION/file/preview?path=kestra:///a&encoding=klingon',
  ],
  ['a login without a password', 'POST', '/login', { headers: JSON_TYPE, body: '{"username":"x"}' }],
  ['a login with a list', 'POST', '/login', { headers: JSON_TYPE, body: '{"username":["x"],"password":{}}' }],
  ['a login as YAML', 'POST', '/login', { headers: YAML, body: 'a: b' }],
  ['an unknown page', 'GET', '/nothing/here'],
  ['a path that climbs', 'GET', '/..%2f..%2fetc/passwd'],
];

describe('a request that cannot be right', () => {
  // Four values each: Jest takes a missing one for a callback.
  it.each(BAD.map(([what, method, path, init = {}]) => [what, method, path, init] as const))(
    'with %s is refused with a reason and without a trace of the inside',
    async (_what, method, path, init) => {
      const answer = await server.call(method, path.replace('EXECUTION', executionId), init);
      const body = await answer.text();
      expect([400, 404, 409, 413, 415, 422]).toContain(answer.status);
      expect(JSON.parse(body)).toMatchObject({
        message: expect.stringMatching(/\S/),
        _embedded: { errors: expect.any(Array) },
      });
      expect(body).not.toMatch(/node_modules|\.ts:|\.js:|at Object|SQLITE/);
    },
  );

  it('leaves nothing in the log of the server as a failure', () => {
    expect(server.entries.filter(({ level }) => level === 'error')).toEqual([]);
    expect({}).not.toHaveProperty('polluted');
  });

  it('that says less than it sends is closed', async () => {
    const { hostname, port } = new URL(server.url);
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(Number(port), hostname);
      let text = '';
      socket.on('data', (chunk) => (text += chunk.toString()));
      socket.on('close', () => resolve(text));
      socket.on('error', reject);
      socket.write('GET / HTTP/1.1\r\nBad Header\r\n\r\n');
    });
    expect(answer).toMatch(/^HTTP\/1.1 400/);
  });

  it('is not one with as many documents as are checked at once', async () => {
    const text = '---\nid: a\n...\n'.repeat(100);
    const answer = await server.call('POST', '/api/v1/main/flows/validate', { headers: YAML, body: text });
    expect([answer.status, ((await answer.json()) as object[]).length]).toEqual([200, 100]);
  });

  it('and is followed by good ones on the same server', async () => {
    expect((await fetch(`${server.url}/ping`)).status).toBe(200);
    expect(
      (await fetch(`${server.url}/api/v1/main/flows/search?size=1`, { headers: { authorization: BASIC } })).status,
    ).toBe(200);
  });
});
