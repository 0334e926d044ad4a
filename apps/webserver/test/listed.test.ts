import { createMetrics } from '@millrace/service';
import { complete, listed } from '../src/http/listed.js';
import { overlayMetrics } from '../src/overlay-metrics.js';

const page = { results: [1, 2], total: 7 };
const behind = (isMissing: boolean) => ({ seconds: 12, reason: 'The index is 12 s behind', isMissing });

describe('a page of a list', () => {
  it('is its results and their number', () => {
    expect(listed(page, ['a', 'b'])).toEqual({ status: 200, json: { results: ['a', 'b'], total: 7 } });
  });

  it('says in its body and in a header that the index is behind', () => {
    expect(listed({ ...page, behind: behind(false) }, ['a', 'b'])).toEqual({
      status: 200,
      headers: { 'X-Millrace-Index-Behind': '12' },
      json: { results: ['a', 'b'], total: 7, indexBehind: { seconds: 12, reason: 'The index is 12 s behind' } },
    });
  });

  it('is no ground for changing all that fits when some of it may be missing', () => {
    expect(complete({ ...page, behind: behind(false) })).toMatchObject(page);
    expect(() => complete({ ...page, behind: behind(true) })).toThrow('12 s behind');
  });
});

it('there are figures of what is beside the index, where there is one', async () => {
  const metrics = createMetrics({ process: false });
  overlayMetrics(metrics, { freshness: () => ({}) });
  expect(await metrics.render()).not.toMatch(/overlay/);
  overlayMetrics(metrics, { freshness: () => ({ overlay: { rows: 5, newerHeads: 2, oldestSeconds: 1 } }) });
  expect(await metrics.render()).toMatch(/millrace_overlay_rows 5\n/);
});
