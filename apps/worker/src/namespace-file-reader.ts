import { Scope } from '@millrace/authorization';
import { TaskFailure, type NamespaceFileReader } from '@millrace/plugin-api';
import { namespaceFilesUri, namespaceFileUri, type Storage } from '@millrace/storage';

/** Files and folders of one namespace that are looked at. */
const ENTRIES_MAX = 100_000;
const VERSION = /^(.+)\.v([2-9]|[1-9]\d+)$/;

/** Reads the files of namespaces from where they are stored: what is there, is there in its newest version. */
export function storedNamespaceFiles(storage: Storage, tenant: string): NamespaceFileReader {
  const scope = Scope.system(tenant);

  async function newest(namespace: string): Promise<ReadonlyMap<string, number>> {
    const root = namespaceFilesUri(namespace);
    const paths: string[] = [];
    const folders = [root];
    for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
      for (const { uri, kind } of await storage.list(scope, folder)) {
        if (kind === 'directory') folders.push(uri);
        else paths.push(uri.slice(root.length + 1));
        if (paths.length + folders.length > ENTRIES_MAX)
          throw new TaskFailure(`The namespace '${namespace}' has more than ${ENTRIES_MAX} files`);
      }
    }
    return newestVersions(paths);
  }

  return {
    list: async (namespace) =>
      [...(await newest(namespace))]
        .sort(([one], [other]) => (one < other ? -1 : 1))
        .map(([path, version]) => ({ path, version })),
    async read(namespace, path, version) {
      const found = version ?? (await newest(namespace)).get(path);
      if (found === undefined) throw new TaskFailure(`The namespace '${namespace}' has no file '${path}'`);
      return storage.read(scope, namespaceFileUri({ namespace, path, version: found }));
    },
  };
}

/** By path; a name such as `a.txt.v2` is a version only beside an `a.txt`. */
function newestVersions(paths: readonly string[]): ReadonlyMap<string, number> {
  const all = new Set(paths);
  const newest = new Map<string, number>();
  for (const path of paths) {
    const [, base = path, number] = VERSION.exec(path) ?? [];
    const isVersion = number !== undefined && all.has(base);
    const [name, version] = isVersion ? [base, Number(number)] : [path, 1];
    newest.set(name, Math.max(newest.get(name) ?? 0, version));
  }
  return newest;
}
