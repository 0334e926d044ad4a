import { LineCounter, isMap, isScalar, parseDocument, type Node, type Pair } from 'yaml';
import type { ConfigurationProblem } from './problem.js';
import { schemaAt, schemaPath, unknownKeyMessage, type Setting, type Settings } from './settings.js';

/** Bytes; a configuration is a page of text, not a data file. */
export const CONFIGURATION_FILE_BYTES_MAX = 1024 * 1024;

/** Reads the settings of a configuration file. `name` is how messages call it. */
export function readConfigurationText(name: string, text: string): Settings {
  if (Buffer.byteLength(text) > CONFIGURATION_FILE_BYTES_MAX) {
    return { settings: [], problems: [{ where: name, message: 'The configuration file is larger than 1 MiB' }] };
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${name}:${line}:${col}`;
  };
  if (document.errors.length > 0) {
    const problems = document.errors.map(({ pos, message }) => ({
      where: place(pos[0]),
      message: `Not valid YAML: ${message}`,
    }));
    return { settings: [], problems };
  }
  if (document.contents === null || (isScalar(document.contents) && document.contents.value === null)) {
    return { settings: [], problems: [] };
  }
  return settingsOf(document.contents, place);
}

function settingsOf(root: Node, place: (offset: number) => string): Settings {
  const settings: Setting[] = [];
  const problems: ConfigurationProblem[] = [];
  const where = (node: Node | null): string => place(node?.range?.[0] ?? 0);

  const pair = ({ key, value }: Pair<unknown, unknown>, written: readonly string[]): void => {
    const keyNode = key as Node;
    const path = [...written, isScalar(keyNode) ? String(keyNode.value) : String(keyNode)];
    if (schemaAt(schemaPath(path)) === undefined) {
      for (const unknown of deepestKeys(path, value))
        problems.push({ where: where(keyNode), message: unknownKeyMessage(unknown) });
      return;
    }
    visit(value as Node | null, path, keyNode);
  };
  const visit = (node: Node | null, written: readonly string[], keyNode: Node): void => {
    const schema = schemaAt(schemaPath(written));
    if (isMap(node) && schema?.properties) {
      for (const item of node.items) pair(item, written);
    } else if (schema?.properties && isEmpty(node)) {
      // `server:` with nothing below it says nothing.
    } else {
      const value: unknown = node === null ? null : isScalar(node) ? node.value : node.toJSON();
      settings.push({ path: schemaPath(written), value, where: where(isEmpty(node) ? keyNode : node) });
    }
  };
  visit(root, [], root);
  return { settings, problems };
}

const isEmpty = (node: Node | null): boolean => node === null || (isScalar(node) && node.value === null);

/** For a key of the reference product the whole paths below it are named, so that each can be told its new name. */
function deepestKeys(path: readonly string[], value: unknown): readonly (readonly string[])[] {
  if (path[0] !== 'kestra' || !isMap(value) || value.items.length === 0) return [path];
  return value.items.flatMap(({ key, value: below }) =>
    deepestKeys([...path, isScalar(key) ? String(key.value) : '?'], below),
  );
}
