import type { Scope } from '@millrace/authorization';
import { LATEST, namespaceFileKey, versionId, type NamespaceFile, type Resource } from '@millrace/model';
import { foldersAbove } from './file-paths.js';
import type { ResourceAccess } from './resource-access.js';
import { compareText, createResourceIndex } from './resource-index.js';

/** What is known of files and folders of namespaces, read from a server's copy. */
export class FileCatalog {
  readonly #view: ResourceAccess['view'];
  /** How many paths are known below a folder, deleted ones included; by tenant, namespace and folder. */
  readonly #below = new Map<string, number>();
  readonly #index;

  constructor(view: ResourceAccess['view']) {
    this.#view = view;
    const count = (by: number) => (tenant: string, namespace: string, path: string) => {
      for (const folder of foldersAbove(path)) this.#count(namespaceFileKey(tenant, namespace, folder), by);
    };
    this.#index = createResourceIndex(view, 'file', { added: count(1), removed: count(-1) });
  }

  /** The newest record of a path, deleted ones included. */
  latest({ tenant }: Scope, namespace: string, path: string): NamespaceFile | undefined {
    return fileOf(this.#view.get(namespaceFileKey(tenant, namespace, path), LATEST), tenant);
  }

  version({ tenant }: Scope, namespace: string, path: string, version: number): NamespaceFile | undefined {
    return fileOf(this.#view.get(namespaceFileKey(tenant, namespace, path), versionId(version)), tenant);
  }

  /** Oldest first. */
  versions({ tenant }: Scope, namespace: string, path: string): readonly NamespaceFile[] {
    return [...this.#view.records(namespaceFileKey(tenant, namespace, path))]
      .flatMap(([id, record]) => (id === LATEST ? [] : (fileOf(record, tenant) ?? [])))
      .sort((one, other) => one.version - other.version);
  }

  /** Files and made folders below a folder (`''`: all of the namespace), deleted ones included; by path. */
  below(scope: Scope, namespace: string, folder: string): readonly NamespaceFile[] {
    if (folder !== '' && !this.#below.has(namespaceFileKey(scope.tenant, namespace, folder))) return [];
    const prefix = folder === '' ? '' : `${folder}/`;
    const paths = [...this.#index.names(scope.tenant, namespace)].filter((path) => path.startsWith(prefix));
    return paths
      .flatMap((path) => this.latest(scope, namespace, path) ?? [])
      .sort((one, other) => compareText(one.path, other.path));
  }

  namespaces({ tenant }: Scope): Iterable<string> {
    return this.#index.namespaces(tenant);
  }

  /** A folder that somebody made, or that is there because of what is in it. */
  folder(scope: Scope, namespace: string, path: string): NamespaceFile | undefined {
    const made = this.latest(scope, namespace, path);
    if (made?.type === 'directory' && !made.deleted) return made;
    const inside = this.below(scope, namespace, path).filter(({ deleted }) => !deleted);
    return inside.length === 0 ? undefined : impliedFolder(path, inside);
  }

  close(): void {
    this.#index.close();
  }

  #count(key: string, by: number): void {
    const count = (this.#below.get(key) ?? 0) + by;
    if (count > 0) this.#below.set(key, count);
    else this.#below.delete(key);
  }
}

const fileOf = (record: Resource | undefined, tenant: string): NamespaceFile | undefined =>
  record?.kind === 'namespace-file' && record.file.tenant === tenant ? record.file : undefined;

/** A folder nobody made, from what is in it. */
export function impliedFolder(path: string, inside: readonly NamespaceFile[]): NamespaceFile {
  const [first] = inside;
  if (!first) throw new Error(`Nothing is in the folder '${path}', so nothing is known of it`);
  return {
    tenant: first.tenant,
    namespace: first.namespace,
    path,
    type: 'directory',
    version: 0,
    size: 0,
    createdAt: Math.min(...inside.map(({ createdAt }) => createdAt)),
    updatedAt: Math.max(...inside.map(({ updatedAt }) => updatedAt)),
    deleted: false,
  };
}
