import { basename } from 'node:path';
import { codeOf, productSources, publicEntries, sources, type Source } from './sources.js';

const LINES_MAX = 400;

/** Names that say nothing about what is inside. */
const EMPTY_NAMES = /(^|-)(utils?|helpers?|common|misc|manager|shared)(-|\.|$)/;

const paths = (found: readonly Source[]): readonly string[] => found.map(({ path }) => path);
const containing = (pattern: RegExp, within: readonly Source[] = productSources): readonly Source[] =>
  within.filter(({ text }) => pattern.test(codeOf(text)));
const outside = (found: readonly Source[], allowed: RegExp): readonly string[] =>
  paths(found).filter((path) => !allowed.test(path));

describe('sources', () => {
  it('are found at all', () => {
    expect(productSources.length).toBeGreaterThan(50);
  });

  it(`have at most ${LINES_MAX} lines of product code`, () => {
    expect(paths(productSources.filter(({ text }) => text.split('\n').length > LINES_MAX))).toEqual([]);
  });

  it('have a name in kebab case that says what is inside', () => {
    const isBad = ({ path }: Source): boolean => {
      const name = basename(path);
      return !/^[a-z0-9]+(-[a-z0-9]+)*(\.(contract\.)?test|\.d)?\.ts$/.test(name) || EMPTY_NAMES.test(name);
    };
    expect(paths(sources.filter(isBad))).toEqual([]);
  });

  it('export by name only', () => {
    expect(paths(containing(/^export default /m))).toEqual([]);
  });

  it('read the environment of the process in libs/service only', () => {
    // A script is started with the machine's PATH, HOME, LANG and TMPDIR, and a plugin may not import libs/service.
    const allowed = /^(libs\/service\/src\/environment|plugins\/script\/src\/run-script)\.ts$/;
    expect(outside(containing(/\bprocess\.env\b/), allowed)).toEqual([]);
  });

  it('act for the whole tenant in servers only, never in the webserver', () => {
    const found = containing(/\bScope\.system\b/).filter(({ path }) => path.startsWith('apps/webserver/'));
    expect(paths(found)).toEqual([]);
  });

  it('await at the top level in the main file only', () => {
    const found = containing(/^(const .* = |process\.exitCode = )?await /m);
    expect(outside(found, /^apps\/cli\/src\/main\.ts$/)).toEqual([]);
  });

  it('are entered through files that only list public names', () => {
    const hasCode = ({ text }: Source): boolean =>
      /^(?:export )?(?:const|let|function|class|async)\b/m.test(codeOf(text));
    const entries = productSources.filter(({ path }) => publicEntries.has(path) && !path.startsWith('plugins/'));
    expect(paths(entries.filter(hasCode))).toEqual([]);
  });

  it('hold no conditional for a test, an example or a known flow', () => {
    expect(paths(containing(/NODE_ENV|JEST_WORKER_ID|\bconformance\b/))).toEqual([]);
  });
});
