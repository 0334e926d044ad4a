import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';

export const ROOT = resolve(__dirname, '../..');

/** A TypeScript source of the product or of its tests. */
export interface Source {
  /** From the root, with `/`. */
  readonly path: string;
  readonly text: string;
}

const SKIPPED: ReadonlySet<string> = new Set(['node_modules', 'dist', 'ui']);

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (SKIPPED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else if (entry.name.endsWith('.ts')) yield path;
  }
}

/** Every TypeScript file of the repository; `apps/ui` has its own rules. */
export const sources: readonly Source[] = ['libs', 'plugins', 'apps', 'tests']
  .flatMap((folder) => [...filesBelow(join(ROOT, folder))])
  .map((path) => ({ path: relative(ROOT, path).split(sep).join('/'), text: readFileSync(path, 'utf8') }));

/** Those that are shipped. */
export const productSources: readonly Source[] = sources.filter(({ path }) =>
  /^(libs|plugins|apps)\/[^/]+\/src\//.test(path),
);

/** Code without comments and without the contents of strings, so that a word in a sentence is no finding. */
export const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
    .replace(/(^|[^:])\/\/.*$/gm, '$1');

/** The files that packages offer to others, by the export condition of the sources. */
export const publicEntries: ReadonlySet<string> = new Set(
  ['libs', 'plugins', 'apps'].flatMap((group) =>
    readdirSync(join(ROOT, group)).flatMap((name) => {
      const file = join(ROOT, group, name, 'package.json');
      if (!existsSync(file)) return [];
      const { exports = {} } = JSON.parse(readFileSync(file, 'utf8')) as {
        readonly exports?: Readonly<Record<string, Readonly<Record<string, string>>>>;
      };
      return Object.values(exports).flatMap((entry) => {
        const source = entry['@millrace/source'];
        return source === undefined ? [] : [`${group}/${name}/${source.replace(/^\.\//, '')}`];
      });
    }),
  ),
);
